/** Rates, times and ages of the last seconds. */
const SECONDS = 5;

export class Meter {
  constructor() {
    /** @type {Map<string, [number, number][]>} */
    this.samples = new Map();
  }

  /** @param {string} name @param {number} at In seconds. @param {number} value */
  add(name, at, value) {
    const kept = (this.samples.get(name) ?? []).filter(([then]) => at - then <= SECONDS);
    kept.push([at, value]);
    this.samples.set(name, kept);
  }

  /** @returns {Record<string, number>} NaN where nothing was measured. */
  figures(now) {
    return {
      shown_fps: this.rate("frame", now),
      analyses_per_second: this.rate("detect", now),
      detect_ms: this.share("detect", now, 0.5),
      classify_ms: this.share("classify", now, 0.5),
      age_p50: this.share("age", now, 0.5),
      age_p95: this.share("age", now, 0.95),
    };
  }

  recent(name, now) {
    return (this.samples.get(name) ?? []).filter(([then]) => now - then <= SECONDS);
  }

  rate(name, now) {
    const found = this.recent(name, now);
    const span = found.length > 1 ? found[found.length - 1][0] - found[0][0] : 0;
    return span > 0 ? (found.length - 1) / span : NaN;
  }

  share(name, now, part) {
    const values = this.recent(name, now).map(([, value]) => value).sort((p, q) => p - q);
    return values.length ? values[Math.floor(part * (values.length - 1))] : NaN;
  }
}
