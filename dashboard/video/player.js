export default function ({data, parentElement, setTriggerValue}) {
  if (parentElement.stop) parentElement.stop();  // new data come in a new call, before which nothing is cleaned up
  let chart = null, film = null, frame = 0, pause = 0;
  const cursor = document.createElement("div");
  cursor.dataset.testid = "video-cursor";
  Object.assign(cursor.style, {position: "absolute", width: "2px", pointerEvents: "none", background: "#fff",
                               boxShadow: "0 0 0 1px rgba(0, 0, 0, .6)", zIndex: 5});
  const isReady = () => film && film.readyState > 0;
  const draw = () => {
    const layout = chart && chart._fullLayout;
    if (!layout || !layout.xaxis || !layout.xaxis.l2p) return;
    const at = isReady() ? film.currentTime : data.at;
    cursor.dataset.at = at.toFixed(2);
    cursor.style.left = `${layout.xaxis._offset + layout.xaxis.l2p(Math.min(at, data.seconds)) - 1}px`;
    cursor.style.top = `${layout._size.t}px`;
    cursor.style.height = `${layout._size.h}px`;
  };
  const follow = () => { draw(); frame = film && !film.paused ? requestAnimationFrame(follow) : 0; };
  const choose = (at) => {
    if (film) film.dataset.asked = at;
    setTriggerValue("chosen", at);
  };
  const click = (event) => {
    const at = event.points[0].x;
    if (isReady()) film.currentTime = at;
    choose(at);
    draw();
  };
  const isNear = (a, b) => Math.abs(a - b) < 0.06;
  const rest = () => {
    clearTimeout(pause);
    pause = setTimeout(() => {
      const at = film && film.paused ? film.currentTime : data.at;
      if (!isNear(at, data.at) && !isNear(at, Number(film.dataset.asked))) choose(at);
    }, 250);
    draw();
  };
  const obey = () => {
    if (!isReady() || film.dataset.told === String(data.at)) return;
    film.dataset.told = data.at;
    if (!isNear(data.at, Number(film.dataset.asked))) film.currentTime = data.at;
    film.dataset.asked = data.at;
  };
  const load = () => setTimeout(() => {  // once the player's own start, at 0, has been set
    if (!film) return;
    delete film.dataset.told;
    delete film.dataset.asked;
    obey();
  });
  const heard = {play: follow, pause: rest, seeked: rest, timeupdate: draw, loadedmetadata: load};
  const leave = () => {
    if (film) for (const [name, handler] of Object.entries(heard)) film.removeEventListener(name, handler);
    if (chart && chart.removeListener) chart.removeListener("plotly_click", click);
    cursor.remove();
  };
  const watch = () => {
    const foundFilm = document.querySelector(`.st-key-${data.player} video`);
    const foundChart = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (foundFilm !== film || (foundChart !== chart && (!foundChart || foundChart.on))) {
      leave();
      film = foundFilm;
      chart = foundChart && foundChart.on ? foundChart : null;
      if (film) for (const [name, handler] of Object.entries(heard)) film.addEventListener(name, handler);
      if (chart) chart.on("plotly_click", click);
    }
    if (chart && cursor.parentElement !== chart) chart.appendChild(cursor);
    obey();
    if (!frame) follow();
  };
  watch();
  const timer = setInterval(watch, 300);
  parentElement.stop = () => { clearInterval(timer); clearTimeout(pause); cancelAnimationFrame(frame); leave(); };
  return () => parentElement.stop();
}
