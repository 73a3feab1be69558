/**
 * Faces followed from analysis to analysis, as `model/faces/tracking.py` follows them: stable ids, boxes that move in
 * between, labels that do not flicker. Its settings come from there. Several faces are paired best first.
 *
 * @typedef {import("./analysis.js").Face} Face
 * @typedef {{smoothing: number, boxSmoothing: number, hold: number, confirm: number, labelMargin: number,
 *   extrapolation: number}} Settings Times in seconds.
 * @typedef {{id: number, box: number[], probabilities: number[], label: number, warnings: string[], matrix: number[],
 *   map: Face["map"]}} Tracked
 */
const SLOW_INTERVAL = 0.4, LONGEST_INTERVAL = 5;

const gainOf = (elapsed, constant) => (constant <= 0 ? 1 : 1 - Math.exp(-elapsed / constant));
const centered = ([x1, y1, x2, y2]) => [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];

class Track {
  /** @param {number} id @param {Face} face @param {number} at */
  constructor(id, face, at) {
    Object.assign(this, { id, face, hits: 1, seen: at, velocity: [0, 0, 0, 0] });
    this.box = this.measured = centered(face.box);
    this.probabilities = face.probabilities;
    this.label = face.probabilities.indexOf(Math.max(...face.probabilities));
    this.warnings = face.warnings;
    this.distrust = face.warnings.length ? 1 : 0;
  }

  /** @returns {number[]} Centre and size, moved on. */
  boxAt(at, { extrapolation }) {
    const ahead = Math.min(Math.max(at - this.seen, 0), extrapolation);
    return this.box.map((v, i) => (i < 2 ? v + this.velocity[i] * ahead : Math.max(v + this.velocity[i] * ahead, v / 2)));
  }

  /** @param {Face} face @param {number} at @param {Settings} settings */
  correct(face, at, settings) {
    const elapsed = Math.max(at - this.seen, 1e-3), expected = this.boxAt(at, settings);
    const gain = gainOf(elapsed, settings.boxSmoothing), measured = centered(face.box);
    const residual = measured.map((v, i) => v - expected[i]);
    this.box = expected.map((v, i) => v + gain * residual[i]);
    this.velocity = this.velocity.map(
      (v, i) => (v + ((gain * gain) / (2 - gain) / elapsed) * residual[i]) * (i < 2 ? 1 : 0.5),
    );
    Object.assign(this, { measured, face, hits: this.hits + 1, seen: at });

    const share = gainOf(elapsed, settings.smoothing);
    this.distrust += share * ((face.warnings.length ? 1 : 0) - this.distrust);
    if (face.warnings.length) this.warnings = face.warnings;
    else this.probabilities = this.probabilities.map((v, i) => v + share * (face.probabilities[i] - v));
    const best = this.probabilities.indexOf(Math.max(...this.probabilities));
    if (this.probabilities[best] > this.probabilities[this.label] + settings.labelMargin) this.label = best;
  }

  /** @returns {Tracked} */
  shown(at, settings) {
    const [x, y, width, height] = this.boxAt(at, settings), [mx, my, mw, mh] = this.measured;
    const [a, b, c, d, e, f] = this.face.matrix, sx = width / mw, sy = height / mh;
    return {
      id: this.id,
      box: [x - width / 2, y - height / 2, x + width / 2, y + height / 2],
      probabilities: this.probabilities,
      label: this.label,
      warnings: this.distrust > 0.5 ? this.warnings : [],
      matrix: [sx * a, sx * b, sx * (c - mx) + x, sy * d, sy * e, sy * (f - my) + y],
      map: this.face.map,
    };
  }
}

export class Tracker {
  /** @param {Settings} settings May be replaced while running. */
  constructor(settings) {
    this.settings = settings;
    this.next = 1;
    this.reset();
  }

  /** Forget every face; ids go on counting. */
  reset() {
    /** @type {Track[]} */
    this.tracks = [];
    this.updated = -Infinity;
    this.interval = 0;
  }

  /** Take in one analysis. @param {Face[]} faces @param {number} at When its picture was taken, in seconds. */
  update(faces, at) {
    const elapsed = at - this.updated;
    this.interval = elapsed < LONGEST_INTERVAL ? elapsed : 0;
    this.updated = at;
    const pairs = matched(this.tracks.map((t) => t.boxAt(at, this.settings)), faces.map((face) => centered(face.box)));
    faces.forEach((face, i) => {
      if (pairs.has(i)) this.tracks[pairs.get(i)].correct(face, at, this.settings);
      else this.tracks.push(new Track(this.next++, face, at));
    });
    this.tracks = this.tracks.filter((t) => t.seen === at || (this.isConfirmed(t) && this.isHeld(t)));
  }

  /** @param {number} at @returns {Tracked[]} The faces to show, moved on to a time. */
  faces(at) {
    if (at - this.updated > this.settings.hold + 2 * this.interval) return [];
    return this.tracks.filter((t) => this.isConfirmed(t) && this.isHeld(t)).map((t) => t.shown(at, this.settings));
  }

  isConfirmed(track) {
    return track.hits >= (this.interval < SLOW_INTERVAL ? this.settings.confirm : 1);
  }

  isHeld(track) {
    return this.updated - track.seen <= this.settings.hold;
  }
}

/** Pair boxes with tracks, best first. @param {number[][]} tracks @param {number[][]} boxes */
function matched(tracks, boxes) {
  const pairs = boxes.flatMap((box, i) => tracks.map((track, j) => ({ i, j, score: distanceIou(box, track), box, track })));
  const found = new Map(), taken = new Set();
  for (const { i, j, score, box, track } of pairs.sort((p, q) => q.score - p.score)) {
    const ratio = box[2] / track[2];
    if (score <= -0.25 || ratio <= 0.5 || ratio >= 2 || found.has(i) || taken.has(j)) continue;
    found.set(i, j);
    taken.add(j);
  }
  return found;
}

/** Return the distance-IoU of two boxes of centre and size, -1..1. */
export function distanceIou(a, b) {
  const low = (box, i) => box[i] - box[i + 2] / 2, high = (box, i) => box[i] + box[i + 2] / 2;
  const along = [0, 1].map((i) => Math.max(0, Math.min(high(a, i), high(b, i)) - Math.max(low(a, i), low(b, i))));
  const span = [0, 1].map((i) => Math.max(high(a, i), high(b, i)) - Math.min(low(a, i), low(b, i)));
  const both = along[0] * along[1];
  const distance = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  return both / (a[2] * a[3] + b[2] * b[3] - both) - distance / (span[0] ** 2 + span[1] ** 2);
}
