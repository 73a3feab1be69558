/** The page that `python -m training export RUN --form page` writes: Live, with its switches, on a static host. */
import { Live } from "./live.js";

const options = await (await fetch("setup.json")).json();
const live = new Live(document.querySelector("main"), options);

const form = document.querySelector("form");
for (const name of ["bars", "heat", "mirror"]) form.elements[name].checked = options.look[name];
form.onchange = () => {
  const look = Object.fromEntries(Object.keys(options.look).map((name) => [name, form.elements[name].checked]));
  live.update({ ...options, look });
};

navigator.serviceWorker?.register("offline.js");
