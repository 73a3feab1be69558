/**
 * One analysis of a picture, in the worker: find the faces, cut them out, classify them.
 *
 * @typedef {import("./pixels.js").Picture} Picture
 * @typedef {import("./crops.js").Detection} Detection
 * @typedef {Detection & {probabilities: number[], map: import("./classifier.js").ActivationMap | null,
 *   matrix: number[], warnings: string[]}} Face
 * @typedef {{faces: Face[], detectMs: number, classifyMs: number, isBlack: boolean}} Result
 */
import { Classifier } from "./classifier.js";
import { cropFace } from "./crops.js";
import { FaceDetector } from "./detector.js";
import { download, openNetwork, startRuntime } from "./network.js";
import { isBlack, warnings } from "./quality.js";

export class Analysis {
  /** Start the runtime and open the networks. @param {Record<string, any>} setup See `setup.py` in Python. */
  static async open(setup) {
    const files = Object.entries(setup.detector.files).map(([role, name]) => ({ role, name, url: setup.folder + name }));
    const run = download(setup.run.file), others = files.map(download);
    const [, , ...contents] = await Promise.all([startRuntime(setup.folder), run, ...others]);
    const networks = {};
    for (const [i, { role, name }] of files.entries()) {
      networks[role] = (await openNetwork(name, contents[i])).run;
    }
    const analysis = new Analysis(new FaceDetector(/** @type {any} */ (networks), setup.detector), setup.detector);
    await analysis.useRun(setup.run, run);
    return analysis;
  }

  /** @param {FaceDetector} detector @param {Record<string, any>} settings Of the detector. */
  constructor(detector, settings) {
    this.detector = detector;
    this.settings = settings;
    /** @type {Detection[]} */
    this.known = [];
    this.searchedAt = -Infinity;
  }

  /**
   * Change the network that classifies.
   *
   * @param {Record<string, any>} run
   * @param {Promise<Uint8Array>} [content] Of its file, where it is being fetched already.
   */
  async useRun(run, content) {
    const classifier = await Classifier.open(/** @type {any} */ (run), content);
    this.classifier?.close();
    this.classifier = classifier;
    this.run = run;
  }

  /** @param {Picture} picture @param {number} at When it was taken, in seconds. @returns {Promise<Result>} */
  async analyze(picture, at) {
    const start = performance.now();
    const detections = await this.detect(picture, at);
    const detected = performance.now();
    /** @type {Face[]} */
    const faces = [];
    for (const detection of detections) {
      const { pixels, matrix } = cropFace(picture, detection, this.settings.crop, this.run.size);
      const found = await this.classifier.classify(pixels);
      faces.push({ ...detection, ...found, matrix, warnings: warnings(picture, detection, this.settings) });
    }
    const isDark = !faces.length && isBlack(picture, this.settings);
    return { faces, detectMs: detected - start, classifyMs: performance.now() - detected, isBlack: isDark };
  }

  /** Follow the known faces; search the whole picture once in a while, and when one is gone. */
  async detect(picture, at) {
    const isDue = at - this.searchedAt >= this.settings.searchSeconds || !this.known.length;
    let found = isDue ? null : await this.detector.follow(picture, this.known);
    if (!found) {
      found = await this.detector.detect(picture);
      this.searchedAt = at;
    }
    this.known = found;
    return found;
  }
}
