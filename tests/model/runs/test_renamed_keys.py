"""Files with keys of before open under today's names."""

import json

from benchmarks import tables
from emoscope.model.runs.renamed_keys import BENCHMARK_KEYS, CONFIG_KEYS, with_current_keys


def test_old_keys_get_their_new_names_and_others_stay():
    assert with_current_keys({"average": 0.9, "epochs": 3}) == {"ema_decay": 0.9, "epochs": 3}


def test_a_new_key_counts_beside_its_old_one_in_either_order():
    for keys in (("average", "ema_decay"), ("ema_decay", "average")):
        assert with_current_keys({key: key == "ema_decay" for key in keys}) == {"ema_decay": True}


def test_no_new_name_is_itself_an_old_one():
    for table in (CONFIG_KEYS, BENCHMARK_KEYS):
        assert not table.keys() & set(table.values())


def test_a_benchmark_file_of_before_fills_the_tables(tmp_path, monkeypatch):
    (tmp_path / "inference.json").write_text(json.dumps({"results": [{"run": "a", "ms_a_face": 0.5}]}))
    monkeypatch.setattr(tables, "HERE", tmp_path)
    assert tables._json("inference")["results"] == [{"run": "a", "ms_per_face": 0.5}]
