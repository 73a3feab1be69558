/**
 * The camera, and one sentence for everything that may keep it from being used.
 *
 * @typedef {{message: string, action: string}} Problem What is wrong, and the next thing to do.
 */
const INSECURE = {
  message: "The browser gives the camera only to pages on HTTPS or on this machine.",
  action: "Open the page as https://…, or on the machine itself as http://localhost.",
};
const EMBEDDED = {
  message: "The page that shows this one in a frame keeps the camera from it.",
  action: 'Open this page in a tab of its own, or add allow="camera" to the frame.',
};
const DENIED = {
  message: "The camera permission is denied.",
  action: "Click the camera or lock symbol beside the address, allow the camera, then press Start again.",
};
const NONE_FOUND = { message: "No camera was found.", action: "Plug one in or switch it on, then press Start again." };
const BUSY = {
  message: "The camera is in use by another program.",
  action: "Close other tabs and programs that show video, then press Start again.",
};
const NO_SIMD = {
  message: "This browser cannot run the network: it lacks WebAssembly with SIMD.",
  action: "Update the browser or use another one.",
};
// (module (func (result v128) i32.const 0 i8x16.splat)): valid where SIMD is known.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];

/** Return what stands in the way before anything is asked for; null if nothing does. @returns {Problem | null} */
export function obstacle() {
  if (!globalThis.WebAssembly?.validate(Uint8Array.from(SIMD)) || !globalThis.OffscreenCanvas) return NO_SIMD;
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) return INSECURE;
  const policy = /** @type {any} */ (document).featurePolicy;
  return policy && !policy.allowsFeature("camera") ? EMBEDDED : null;
}

/**
 * Open a camera.
 *
 * @param {string} choice "user" (front), "environment" (back), or the id of a device.
 * @returns {Promise<MediaStream>}
 */
export function openCamera(choice) {
  const which = ["user", "environment"].includes(choice) ? { facingMode: choice } : { deviceId: { exact: choice } };
  const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
  return navigator.mediaDevices.getUserMedia({ video: { ...which, ...size }, audio: false });
}

/** Say what an error of `getUserMedia` means. @param {any} error @returns {Problem} */
export function cameraProblem(error) {
  const known = {
    NotAllowedError: DENIED, SecurityError: DENIED, NotFoundError: NONE_FOUND, OverconstrainedError: NONE_FOUND,
    NotReadableError: BUSY, AbortError: BUSY,
  };
  const other = { message: `The browser reports “${error?.message ?? error}”.`, action: "Reload the page and try again." };
  return known[error?.name] ?? other;
}

/** Return the cameras to choose from: front and back on what is held in a hand, else the devices by name. */
export async function cameraChoices() {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
  if (matchMedia("(pointer: coarse)").matches) return [["user", "Front camera"], ["environment", "Back camera"]];
  return devices.length > 1 ? devices.map((d, i) => [d.deviceId, d.label || `Camera ${i + 1}`]) : [];
}
