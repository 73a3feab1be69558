export default function ({data, parentElement}) {
  if (parentElement.stop) parentElement.stop();  // new data come in a new call, before which nothing is cleaned up
  const box = parentElement.querySelector(".still");
  const picture = box.querySelector("img");
  const caption = box.querySelector("span");
  const stills = data.stills;
  let chart = null;
  const clock = (t) => {
    const s = Math.floor(t), two = (n) => String(n).padStart(2, "0");
    return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`
                     : `${Math.floor(s / 60)}:${two(s % 60)}`;
  };
  const nearest = (t) => stills.reduce((a, b) => (Math.abs(b.at - t) < Math.abs(a.at - t) ? b : a));
  const show = (event) => {
    const at = event.points[0].x, pointer = event.event;
    picture.src = nearest(at).url;
    caption.textContent = clock(at);
    box.style.display = "block";
    const frame = chart.getBoundingClientRect(), width = box.offsetWidth;
    const x = Math.min(Math.max(pointer.clientX - width / 2, 8), window.innerWidth - width - 8);
    const above = frame.top - box.offsetHeight - 4;
    box.style.left = `${x}px`;
    box.style.top = `${above > 8 ? above : Math.min(frame.bottom + 4, window.innerHeight - box.offsetHeight - 8)}px`;
  };
  const hide = () => { box.style.display = "none"; };
  const leave = () => {
    if (!chart || !chart.removeListener) return;
    chart.removeListener("plotly_hover", show);
    chart.removeListener("plotly_unhover", hide);
    chart.removeListener("plotly_click", hide);
  };
  const watch = () => {
    const found = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (found === chart || (found && !found.on)) return;
    leave();
    hide();
    chart = found;
    if (!chart) return;
    chart.on("plotly_hover", show);
    chart.on("plotly_unhover", hide);
    chart.on("plotly_click", hide);
    chart.dataset.stills = stills.length;
  };
  watch();
  const timer = setInterval(watch, 300);
  parentElement.stop = () => { clearInterval(timer); leave(); };
  return () => parentElement.stop();
}
