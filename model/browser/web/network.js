/**
 * Networks in LiteRT.js, for a worker.
 *
 * @typedef {{name: string, url: string}} File
 */
import { Tensor, loadAndCompile, loadLiteRt } from "./litert.js";

/** Start the runtime, whose files lie beside this one. @param {string} folder */
export async function startRuntime(folder) {
  self.Module = { locateFile: (/** @type {string} */ name) => folder + name };
  await loadLiteRt(folder);
}

/** Fetch a network's file. @param {File} file */
export async function download({ name, url }) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${name} cannot be loaded: ${(await answer.text()).slice(0, 200) || answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * Compile a network.
 *
 * @param {string} name
 * @param {Uint8Array} content
 * @returns {Promise<{run: (input: Float32Array) => Promise<Float32Array[]>, shapes: number[][], close: () => void}>}
 *   `run` returns every output; `shapes` are theirs.
 */
export async function openNetwork(name, content) {
  let model;
  try {
    model = await loadAndCompile(content, { accelerator: "wasm" });
  } catch (error) {
    throw new Error(`${name} cannot be compiled here (${error instanceof Error ? error.message : error})`);
  }
  const shape = Array.from(model.getInputDetails()[0].shape);
  const run = async (/** @type {Float32Array} */ values) => {
    const input = new Tensor(values, shape);
    const outputs = await model.run([input]);
    input.delete();
    return outputs.map((output) => {
      const copy = Float32Array.from(output.toTypedArray());
      output.delete();
      return copy;
    });
  };
  return { run, shapes: model.getOutputDetails().map((d) => Array.from(d.shape)), close: () => model.delete() };
}
