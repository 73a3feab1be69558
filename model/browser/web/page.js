/** The page that `python -m training export RUN --form page` writes. */
import { Live } from "./live.js";

const options = await (await fetch("setup.json")).json();
new Live(document.querySelector("main"), options);
