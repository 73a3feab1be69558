export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(name);
  const face = find(".face"), patch = find(".patch"), said = find(".said"), bars = find(".bars"), sizes = find(".sizes");
  const { classes, whole, covers } = data;
  const top = whole.indexOf(Math.max(...whole));
  const percent = (p) => `${Math.round(100 * p)}%`;
  const element = (name, text = "", kind = "div") =>
    Object.assign(document.createElement(kind), { className: name, textContent: text });

  face.querySelector("img").src = data.picture;
  patch.style.background = data.fill;
  const shown = classes.map(({ name, color }, c) => {
    const row = element("row"), bar = element("bar"), fill = element("fill"), mark = element("mark");
    const value = element("");
    fill.style.background = color;
    mark.style.left = `calc(${100 * whole[c]}% - 1px)`;
    bar.setAttribute("role", "meter");
    bar.setAttribute("aria-label", name);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    bar.append(fill, mark);
    row.append(element("", name), bar, value);
    return { row, bar, fill, value };
  });
  bars.replaceChildren(...shown.map(({ row }) => row));

  let cover = covers[0], at = [0, 0];
  const show = (row, column) => {
    const { rows, columns, covered } = cover;
    at = [row, column];
    const now = covered[row][column], first = now.indexOf(Math.max(...now));
    patch.style.top = `${100 * rows[row]}%`;
    patch.style.left = `${100 * columns[column]}%`;
    shown.forEach(({ row: line, bar, fill, value }, c) => {
      line.classList.toggle("top", c === first);
      bar.setAttribute("aria-valuenow", `${Math.round(100 * now[c])}`);
      fill.style.width = `${100 * now[c]}%`;
      value.textContent = percent(now[c]);
    });
    const change = `${classes[top].name} ${percent(whole[top])} → ${percent(now[top])}`;
    const words = first === top ? change : `${change}, and ${classes[first].name} comes first`;
    said.replaceChildren("With this part covered: ", element("", words, "b"));
  };

  const rest = () => {
    const losses = cover.covered.flatMap((line, r) => line.map((now, c) => ({ r, c, loss: whole[top] - now[top] })));
    const strongest = losses.reduce((best, one) => (one.loss > best.loss ? one : best));
    show(strongest.r, strongest.c);
  };
  const use = (chosen) => {
    cover = chosen;
    [patch.style.height, patch.style.width] = cover.patch.map((share) => `${100 * share}%`);
    [...sizes.children].forEach((button, i) => button.setAttribute("aria-pressed", covers[i] === cover));
    rest();
  };
  const nearest = (edges, size, share) => {
    const distance = (edge) => Math.abs(edge + size / 2 - share);
    return edges.reduce((best, edge, i) => (distance(edge) < distance(edges[best]) ? i : best), 0);
  };
  const follow = (event) => {
    const { left, top: above, width, height } = face.getBoundingClientRect();
    show(
      nearest(cover.rows, cover.patch[0], (event.clientY - above) / height),
      nearest(cover.columns, cover.patch[1], (event.clientX - left) / width),
    );
  };
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const within = (value, list) => Math.min(Math.max(value, 0), list.length - 1);
  face.onpointermove = face.onpointerdown = follow;
  face.onpointerleave = (event) => { if (event.pointerType === "mouse") rest(); };
  face.onkeydown = (event) => {
    const move = step[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    show(within(at[0] + move[0], cover.rows), within(at[1] + move[1], cover.columns));
  };
  sizes.replaceChildren(...covers.map((one) => {
    const button = element("", one.name, "button");
    button.type = "button";
    button.onclick = () => use(one);
    return button;
  }));
  use(covers[0]);
}
