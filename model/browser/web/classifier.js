/**
 * A run's network behind one call, as `model/networks/classifier.py` has it: pixels in, probabilities and map out.
 *
 * @typedef {{kind: string, scale: number, offset: number}} Normalization
 * @typedef {{height: number, width: number, channels: number}} Size Of the network's input.
 * @typedef {{normalization: Normalization, classes: string[], temperature: number | null, size: Size,
 *   file: import("./network.js").File}} RunSettings
 * @typedef {{values: Float32Array, height: number, width: number, crop: {height: number, width: number}}} ActivationMap
 *   Evidence by place and class, and the size of the crop that it covers.
 */
import { download, openNetwork } from "./network.js";

/** Turn pixels 0..255 into network input. @param {ArrayLike<number>} pixels @param {Normalization} normalization */
export function normalized(pixels, { kind, scale, offset }) {
  if (kind === "rescale") return Float32Array.from(pixels, (v) => v * scale + offset);
  const mean = Array.prototype.reduce.call(pixels, (sum, v) => sum + v, 0) / pixels.length;
  const variance = Array.prototype.reduce.call(pixels, (sum, v) => sum + (v - mean) ** 2, 0) / pixels.length;
  const deviation = Math.max(Math.sqrt(variance), 1);
  return Float32Array.from(pixels, (v) => (v - mean) / deviation);
}

export class Classifier {
  /** @param {RunSettings} run @param {Promise<Uint8Array>} content Of its file. */
  static async open(run, content = download(run.file)) {
    const { file, size } = run;
    const network = await openNetwork(file.name, await content);
    const scores = network.shapes.findIndex((s) => s.length === 2 && s[1] === run.classes.length);
    const maps = network.shapes.findIndex((s) => s.length === 4 && s[3] === run.classes.length);
    if (scores < 0) throw new Error(`${file.name} gives no output of ${run.classes.length} classes`);
    const classifier = new Classifier(network, run, scores, maps);
    const noise = Uint8Array.from({ length: size.height * size.width * size.channels }, (_, i) => (i * 157.66) % 256);
    const tried = (await network.run(normalized(noise, run.normalization)))[scores];
    const sum = tried.reduce((total, v) => total + v, 0);
    classifier.fromLogits = !(tried.every((v) => v >= 0) && Math.abs(sum - 1) <= 0.01 + tried.length / 512);
    return classifier;
  }

  /** @param {Awaited<ReturnType<typeof openNetwork>>} network @param {RunSettings} run */
  constructor(network, run, scores, maps) {
    this.network = network;
    this.run = run;
    this.scores = scores;
    this.maps = maps;
    this.fromLogits = false;
  }

  /**
   * @param {ArrayLike<number>} pixels 0..255 of the network's input size.
   * @returns {Promise<{probabilities: number[], map: ActivationMap | null}>}
   */
  async classify(pixels) {
    const outputs = await this.network.run(normalized(pixels, this.run.normalization));
    const [, height, width] = this.network.shapes[this.maps] ?? [];
    const map = this.maps < 0 ? null : { values: outputs[this.maps], height, width, crop: this.run.size };
    return { probabilities: this.probabilities(outputs[this.scores]), map };
  }

  /** @param {Float32Array} scores @returns {number[]} */
  probabilities(scores) {
    if (!scores.every(Number.isFinite)) throw new Error("The network gives values that are not numbers");
    const heat = this.run.temperature ?? 1;
    const logits = Array.from(scores, (v) => (this.fromLogits ? v : Math.log(Math.max(v, 1e-12))) / heat);
    const highest = Math.max(...logits), powers = logits.map((v) => Math.exp(v - highest));
    const sum = powers.reduce((total, v) => total + v, 0);
    return powers.map((v) => v / sum);
  }

  close() {
    this.network.close();
  }
}
