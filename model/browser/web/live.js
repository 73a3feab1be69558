/**
 * Live in the visitor's own browser: the camera's pictures go to a worker of this page and nowhere else.
 *
 * @typedef {Record<string, any>} Options `run`, `detector`, `tracking`, `look`, `rate`: see `setup.py` in Python.
 * @typedef {import("./camera.js").Problem} Problem
 */
import { cameraChoices, cameraProblem, obstacle, openCamera } from "./camera.js";
import { Meter } from "./figures.js";
import { draw } from "./overlay.js";
import { element, showFaces, showFigures } from "./panel.js";
import { Tracker } from "./tracker.js";

const FOLDER = new URL(".", import.meta.url).href;
const REDRAW_MS = 250;
const BLACK_SECONDS = 1.5; // many cameras begin with black pictures
const MARK = `<svg viewBox="0 0 64 64" fill="none" stroke-width="4" stroke-linecap="round" aria-hidden="true">
  <path stroke="#edaa22" d="M4 18V12a8 8 0 0 1 8-8h6M46 4h6a8 8 0 0 1 8 8v6M60 46v6a8 8 0 0 1-8 8h-6M18 60h-6a8 8 0 0 1-8-8v-6"/>
  <path stroke="#e8eaf2" d="M23 24v4M41 24v4M20 39c6 8 18 8 24 0"/></svg>`;
const IDLE = "Press Start and allow the camera.";
const LOOKING = "Looking for a face …";

const seconds = () => performance.now() / 1000;

export class Live {
  /**
   * @param {ParentNode & Node} parent
   * @param {Options} options
   * @param {((engine: string) => void) | null} choose Called to have the other engine; null where there is none.
   */
  constructor(parent, options, choose = null) {
    this.options = options;
    this.choose = choose;
    this.tracker = new Tracker(options.tracking);
    this.meter = new Meter();
    this.camera = "user";
    this.analyzedAt = NaN;
    this.blackSince = Infinity;
    this.dueAt = -Infinity;
    this.isReady = false;
    this.attempt = null;
    this.isBusy = false;
    this.build(parent);
  }

  build(parent) {
    this.video = element("video", { muted: true, playsInline: true, autoplay: true });
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.startButton = element("button", { className: "primary", onclick: () => this.start() }, "Start");
    this.stopButton = element("button", { onclick: () => this.stop(), hidden: true }, "Stop");
    this.snapshotButton = element("button", { onclick: () => this.saveSnapshot(), hidden: true }, "Save picture");
    this.cameras = element("select", { "aria-label": "Camera", hidden: true, onchange: () => this.changeCamera() });
    this.problem = element("div", { className: "problem", role: "alert", hidden: true });
    this.faces = element("aside", { className: "faces" }, IDLE);
    this.strip = element("div", { className: "strip", "data-testid": "browser-performance" });
    this.cover = element(
      "div", { className: "cover" }, element("div", { className: "mark", innerHTML: MARK }),
      element("b", {}, "See your expressions as a network sees them"),
      element("span", {}, "Everything happens in this browser. No picture leaves this device."), this.startButton,
    );
    this.stage = element("div", { className: "stage" }, this.video, this.canvas, this.cover);
    this.buttons = element("div", { className: "buttons" }, this.stopButton, this.snapshotButton, this.cameras);
    this.root = element(
      "div", { className: "live" }, this.problem,
      element("div", { className: "wide" }, element("div", {}, this.stage, this.buttons), this.faces), this.strip,
    );
    parent.append(this.root);
    this.strip.hidden = true;
    this.update(this.options);
    // Loaded while the visitor reads, so that the first face comes soon after Start; not where data are dear.
    if (!obstacle() && !(/** @type {any} */ (navigator).connection?.saveData)) this.startWorker();
  }

  /** Take over changed options; the camera goes on. @param {Options} options */
  update(options) {
    const before = this.options;
    this.options = options;
    this.tracker.settings = options.tracking;
    this.stage.classList.toggle("mirrored", options.look.mirror);
    if (this.worker && JSON.stringify(before.run) !== JSON.stringify(options.run)) {
      this.tracker.reset();
      this.post({ run: this.resolved(options.run) });
    }
  }

  resolved(run) {
    return { ...run, file: { ...run.file, url: new URL(run.file.url, FOLDER).href } };
  }

  async start() {
    const found = obstacle();
    if (found) return this.fail(found);
    this.problem.hidden = true;
    this.startButton.disabled = true;
    this.startButton.textContent = "Starting …";
    this.startWorker();
    const attempt = (this.attempt = {});
    try {
      const stream = await openCamera(this.camera);
      if (this.attempt !== attempt) return stream.getTracks().forEach((track) => track.stop());
      this.video.srcObject = this.stream = stream;
      await this.video.play();
    } catch (error) {
      if (this.attempt === attempt) this.fail(cameraProblem(error));
      return;
    }
    if (this.attempt !== attempt) return;
    if (!this.root.isConnected) return this.stop();
    this.stream.getVideoTracks()[0].onended = () => this.fail(cameraProblem({ name: "NotFoundError" }));
    this.begin();
  }

  begin() {
    const { videoWidth, videoHeight } = this.video;
    this.stage.style.aspectRatio = `${videoWidth} / ${videoHeight}`;
    this.cover.hidden = true;
    this.stopButton.hidden = this.snapshotButton.hidden = false;
    this.meter = new Meter();
    this.tracker.reset();
    this.offerCameras();
    this.clock = setInterval(() => this.redraw(), REDRAW_MS);
    const onFrame = () => {
      if (!this.stream) return;
      this.frameAt = seconds();
      this.meter.add("frame", this.frameAt, 1);
      this.offer();
      this.paint();
      this.video.requestVideoFrameCallback(onFrame);
    };
    this.video.requestVideoFrameCallback(onFrame);
  }

  startWorker() {
    if (this.worker) return;
    this.isReady = false;
    this.worker = new Worker(new URL("worker.js", import.meta.url));
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => this.failEngine(event.message || "worker.js cannot be loaded");
    this.post({ setup: { ...this.options, folder: FOLDER, run: this.resolved(this.options.run) } });
  }

  post(message, transferred = []) {
    this.worker?.postMessage(message, transferred);
  }

  /** Send the newest picture to the worker, if it is idle and another analysis is due. */
  async offer() {
    const at = this.frameAt;
    if (!this.isReady || this.isBusy || at < this.dueAt || at === this.offeredAt) return;
    this.isBusy = true;
    this.offeredAt = at;
    this.dueAt = Math.max(this.dueAt + 1 / this.options.rate, at);
    try {
      const picture = globalThis.VideoFrame ? new VideoFrame(this.video) : await createImageBitmap(this.video);
      this.post({ picture, at }, [picture]);
    } catch {
      this.isBusy = false; // no picture at this moment, as where the camera is being changed
    }
  }

  receive({ ready, result, at, error }) {
    if (error) return this.failEngine(error);
    if (ready) this.isReady = true;
    if (!result) return;
    this.isBusy = false;
    if (!this.stream) return;
    this.tracker.update(result.faces, at);
    this.analyzedAt = at;
    this.blackSince = result.isBlack ? Math.min(this.blackSince, at) : Infinity;
    const now = seconds();
    this.meter.add("detect", now, result.detectMs);
    this.meter.add("classify", now, result.classifyMs);
    this.offer(); // a picture may have come meanwhile
  }

  paint() {
    const { clientWidth, clientHeight } = this.stage, zoom = Math.min(devicePixelRatio || 1, 2);
    const width = Math.round(clientWidth * zoom), height = Math.round(clientHeight * zoom);
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const now = seconds(), frame = { width: this.video.videoWidth, height: this.video.videoHeight };
    if (!frame.width) return;
    const faces = this.tracker.faces(now);
    draw(this.canvas.getContext("2d"), frame, faces, this.options.run, this.options.look);
    if (!Number.isNaN(this.analyzedAt)) this.meter.add("age", now, 1000 * (now - this.analyzedAt));
  }

  redraw() {
    const now = seconds();
    const { blackCamera } = this.options.detector.quality;
    const looking = now - this.blackSince > BLACK_SECONDS ? blackCamera : LOOKING;
    showFaces(this.faces, this.tracker.faces(now), this.options.run, this.isReady ? looking : "Loading the network …");
    showFigures(this.strip, this.meter.figures(now));
    this.strip.hidden = false;
  }

  async offerCameras() {
    const choices = await cameraChoices();
    const used = this.stream?.getVideoTracks()[0].getSettings();
    this.cameras.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
    this.cameras.value = choices.some(([value]) => value === this.camera) ? this.camera : used?.deviceId ?? "";
    this.cameras.hidden = choices.length < 2;
  }

  changeCamera() {
    this.camera = this.cameras.value;
    this.stop();
    this.start();
  }

  /** Save the picture with what is drawn on it, on the visitor's device. */
  saveSnapshot() {
    const { videoWidth: width, videoHeight: height } = this.video, canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (this.options.look.mirror) context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(this.video, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.canvas, 0, 0, width, height);
    canvas.convertToBlob().then((blob) => {
      const link = element("a", { href: URL.createObjectURL(blob), download: "emoscope-snapshot.png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }

  stop() {
    this.attempt = null; // one that still waits for the camera, which then says nothing and leaves it off
    clearInterval(this.clock);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.tracker.reset();
    this.analyzedAt = NaN;
    this.blackSince = Infinity;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.faces.replaceChildren(IDLE);
    this.cover.hidden = false;
    this.startButton.disabled = false;
    this.startButton.textContent = "Start";
    this.stopButton.hidden = this.snapshotButton.hidden = this.cameras.hidden = true;
  }

  /** Show what is wrong and offer the other engine. @param {Problem} problem */
  fail({ message, action }) {
    this.stop();
    const other = element("button", { onclick: () => this.choose?.("server") }, "Let the server analyse");
    this.problem.replaceChildren(element("b", {}, message), ` ${action} `, ...(this.choose ? [other] : []));
    this.problem.hidden = false;
  }

  failEngine(reason) {
    this.closeWorker();
    this.fail({ message: `The engine does not run here: ${reason}.`, action: "Reload the page, or choose another run." });
  }

  closeWorker() {
    this.worker?.terminate();
    this.worker = null;
    this.isBusy = false;
  }

  destroy() {
    this.stop();
    this.closeWorker();
    this.root.remove();
  }
}
