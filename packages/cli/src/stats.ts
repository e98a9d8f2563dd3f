/** Confidence of every interval and bound that is printed. */
export const confidence = 0.95;
/** Two-sided quantile of the standard normal distribution for `confidence`. */
const z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95% Wilson score interval of a rate with `failed` of `total`. */
export function wilsonInterval(failed: number, total: number): Interval {
  const rate = failed / total;
  const z2 = z95 * z95;
  const centre = (rate + z2 / (2 * total)) / (1 + z2 / total);
  const half = (z95 / (1 + z2 / total)) * Math.sqrt((rate * (1 - rate)) / total + z2 / (4 * total * total));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** One-sided exact upper bound of a rate that showed 0 failures in `total` runs. */
export function cleanBound(total: number, atConfidence = confidence): number {
  return -Math.expm1(Math.log1p(-atConfidence) / total);
}

/** Clean runs after which a failure rate of `rate` or more is ruled out with `atConfidence`. */
export function runsNeeded(rate: number, atConfidence = confidence): number {
  const exact = Math.log1p(-atConfidence) / Math.log1p(-rate);
  // Rounding of the quotient must not turn 59 into 60.
  return Math.ceil(exact - 1e-9);
}

/**
 * Clean runs that show, by Fisher's exact test (one-sided, p < 5%), that a change ended failures seen `failed` times in `total` runs.
 * With m clean runs the chance that all failures fell among the first `total` is C(total, failed) / C(total + m, failed).
 */
export function cleanRunsToShowFix(failed: number, total: number): number {
  const level = Math.log(1 - confidence);
  const shows = (clean: number) => logOfAllBefore(failed, total, clean) < level - 1e-12;
  let high = 1;
  while (!shows(high)) high *= 2;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (shows(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** ln of C(total, failed) / C(total + clean, failed), as a product of `failed` factors, or of `clean` factors when those are fewer. */
function logOfAllBefore(failed: number, total: number, clean: number): number {
  let sum = 0;
  if (failed <= clean) {
    for (let i = 0; i < failed; i++) sum += Math.log((total - i) / (total + clean - i));
  } else {
    for (let i = 1; i <= clean; i++) sum += Math.log((total - failed + i) / (total + i));
  }
  return sum;
}

/** A rate in per cent, to a tenth or to two significant digits, without the sign: `5.8`, `6`, `0.99`. A rate above zero is never 0. */
export function percentDigits(rate: number): string {
  const percent = rate * 100;
  if (percent === 0) return "0";
  const decimals = percent >= 1 ? 1 : Math.min(20, 1 - Math.floor(Math.log10(percent)));
  return percent.toFixed(decimals).replace(/\.?0+$/, "");
}

export function formatPercent(rate: number): string {
  return `${percentDigits(rate)}%`;
}

/** `2.1 to 16.2%`. */
export function formatInterval({ low, high }: Interval): string {
  return `${percentDigits(low)} to ${formatPercent(high)}`;
}

/** `Moments` as plain data. */
export interface MomentsState {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
  readonly max: number;
  readonly sum: number;
}

/** Mean and population standard deviation of numbers that are told one by one (Welford's recurrence). */
export class Moments {
  count = 0;
  mean = 0;
  max = Number.NEGATIVE_INFINITY;
  sum = 0;
  #squares = 0;

  add(value: number): void {
    this.count++;
    this.sum += value;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.#squares += before * (value - this.mean);
    if (value > this.max) this.max = value;
  }

  get deviation(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  /** Mean and deviation of the numbers without one of them. */
  without(value: number): { readonly mean: number; readonly deviation: number } {
    const rest = this.count - 1;
    if (rest < 1) return { mean: 0, deviation: 0 };
    const mean = this.mean + (this.mean - value) / rest;
    const squares = Math.max(0, this.#squares - (value - this.mean) * (value - mean));
    return { mean, deviation: Math.sqrt(squares / rest) };
  }

  state(): MomentsState {
    const { count, mean, max, sum } = this;
    return { count, mean, squares: this.#squares, max: count === 0 ? 0 : max, sum };
  }

  static from({ count, mean, squares, max, sum }: MomentsState): Moments {
    const moments = new Moments();
    if (count === 0) return moments;
    moments.count = count;
    moments.mean = mean;
    moments.max = max;
    moments.sum = sum;
    moments.#squares = squares;
    return moments;
  }
}

const bucketSeconds = 0.01;
/** Ten minutes, more than any run may take by default; longer runs share the last bucket. */
const bucketLimit = 60_001;

export interface HistogramState {
  readonly buckets: readonly (readonly [bucket: number, count: number])[];
  readonly max: number;
}

/** Percentiles of run times at a resolution of 10 ms, in memory that does not grow with the number of runs. */
export class TimeHistogram {
  #counts = new Uint32Array(256);
  #total = 0;
  #max = 0;

  add(seconds: number): void {
    const bucket = Math.min(bucketLimit - 1, Math.max(0, Math.round(seconds / bucketSeconds)));
    if (bucket >= this.#counts.length) this.#grow(bucket);
    this.#counts[bucket]! += 1;
    this.#total++;
    if (seconds > this.#max) this.#max = seconds;
  }

  /** As plain data: pairs of a bucket and its count, and the largest value. */
  state(): HistogramState {
    const buckets = [...this.#counts.entries()].filter(([, count]) => count > 0);
    return { buckets, max: this.#max };
  }

  static from({ buckets, max }: HistogramState): TimeHistogram {
    const histogram = new TimeHistogram();
    for (const [bucket, count] of buckets) {
      if (bucket >= histogram.#counts.length) histogram.#grow(bucket);
      histogram.#counts[bucket]! += count;
      histogram.#total += count;
    }
    histogram.#max = max;
    return histogram;
  }

  #grow(bucket: number): void {
    const larger = new Uint32Array(Math.min(bucketLimit, Math.max(bucket + 1, this.#counts.length * 2)));
    larger.set(this.#counts);
    this.#counts = larger;
  }

  /** The least time t, to 10 ms, such that at least `share` of the runs took t or less (nearest rank); undefined without runs. */
  percentile(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.#total));
    let seen = 0;
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return bucket === bucketLimit - 1 ? this.#max : bucket * bucketSeconds;
    }
    return this.#max;
  }
}
