/** The Streamlit component: mounts `Live` in its element, and hands it new options when the page runs again. */
const mounted = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const entry = mounted.get(parentElement) ?? {};
  mounted.set(parentElement, entry);
  clearTimeout(entry.leaving);
  entry.options = data.options;
  if (entry.live) {
    entry.live.update(data.options);
  } else if (!entry.loading) {
    entry.loading = import(new URL(data.module, location.origin).href).then(
      ({ Live }) => {
        if (entry.gone) return;
        entry.live = new Live(parentElement, entry.options, (engine) => setTriggerValue("engine", engine));
      },
      () => parentElement.append("The engine's files cannot be loaded. Reload the page, or let the server analyse."),
    );
  }
  // The function runs anew with each run of the page; only where no run follows has the page been left.
  return () => {
    entry.leaving = setTimeout(() => {
      entry.gone = true;
      entry.live?.destroy();
      mounted.delete(parentElement);
    }, 0);
  };
}
