/**
 * The worker that analyses pictures. A classic one, since the runtime loads its WebAssembly with `importScripts`, which
 * module workers do not have; modules come by `import()`.
 *
 * Takes `{setup}`, `{run}` or `{picture, at}`; answers `{ready}`, `{changed}`, `{result, at}` or `{error}`.
 */
/** @type {import("./analysis.js").Analysis} */
let analysis;
let pending = Promise.resolve();

/** @param {VideoFrame | ImageBitmap} picture */
function pixelsOf(picture) {
  const width = picture.displayWidth ?? picture.width, height = picture.displayHeight ?? picture.height;
  if (!self.canvas || self.canvas.width !== width || self.canvas.height !== height) {
    self.canvas = new OffscreenCanvas(width, height);
    self.context = self.canvas.getContext("2d", { willReadFrequently: true });
  }
  self.context.drawImage(picture, 0, 0);
  picture.close();
  return self.context.getImageData(0, 0, width, height);
}

/** @param {{setup?: any, run?: any, picture?: VideoFrame | ImageBitmap, at?: number}} message */
async function answer({ setup, run, picture, at }) {
  if (setup) {
    const { Analysis } = await import("./analysis.js");
    analysis = await Analysis.open(setup);
    return { ready: true };
  }
  if (run) {
    await analysis.useRun(run);
    return { changed: true };
  }
  return { result: await analysis.analyze(pixelsOf(picture), at), at };
}

self.onmessage = ({ data }) => {
  pending = pending.then(() => answer(data)).then(
    (found) => self.postMessage(found),
    (error) => self.postMessage({ error: `${error?.message ?? error}` }),
  );
};
