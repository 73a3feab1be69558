"""The sections of the evaluation pages: each shows one matter of one or several runs."""
