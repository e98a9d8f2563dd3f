import { listOf } from "../list-of.ts";
import { evidence, type Report } from "./finding.ts";
import { properties } from "./properties.ts";

const windowUs = 100_000;

/**
 * RPCs that a server may send to each peer within one window of 100 ms: more than any conversation can have in which each request waits for the reply to the one before (latency
 * is 50 µs at least and 300 µs on average each way).
 */
const burstPerPeer = 300;
/** And that it may send to each peer in every window for two seconds without having been given a command. */
const steadyPerPeer = 60;
const steadyWindows = 20;
/** What one start() may cause to be sent to each peer. */
const perStart = 20;
/** And what a peer that has missed it all may be sent for it at once: each entry in a request of its own, without waiting for replies, and that twice. */
const perMissedStart = 2;

interface Window {
  number: number;
  /** The first microsecond after it. */
  endUs: number;
  requests: number;
  starts: number;
  /** How many windows in a row, before this one, were busy without a command. */
  busy: number;
}

/** Nobody sends without end: bursts that multiply, or a busy conversation that nobody's command has caused. */
export class EventStorm {
  looked = 0;
  private readonly windows: Window[];
  private readonly peers: number;
  /** Requests within a window that need no further look. */
  private readonly usualBurst: number;
  /** Calls of start() in the whole run, at all servers. */
  private starts = 0;
  private readonly report: Report;

  constructor(servers: number, report: Report) {
    this.peers = Math.max(1, servers - 1);
    this.usualBurst = burstPerPeer * this.peers;
    this.windows = listOf(servers, () => ({ number: 0, endUs: windowUs, requests: 0, starts: 0, busy: 0 }));
    this.report = report;
  }

  started(server: number, event: number, atUs: number): void {
    const window = this.windows[server]!;
    if (atUs >= window.endUs) this.moveOn(window, server, event, atUs);
    window.starts++;
    this.starts++;
  }

  /** `server` sends a request. */
  sent(server: number, event: number, atUs: number): void {
    this.looked++;
    const window = this.windows[server]!;
    if (atUs >= window.endUs) this.moveOn(window, server, event, atUs);
    if (++window.requests <= this.usualBurst) return;
    if (window.requests <= (burstPerPeer + perStart * window.starts + perMissedStart * this.starts) * this.peers) return;
    this.storm(server, `sent ${window.requests} RPCs within 100 ms`, event, atUs);
  }

  private moveOn(window: Window, server: number, event: number, atUs: number): void {
    const number = Math.floor(atUs / windowUs);
    const wasBusy = window.requests > steadyPerPeer * this.peers && window.starts === 0 && number === window.number + 1;
    window.busy = wasBusy ? window.busy + 1 : 0;
    if (window.busy >= steadyWindows) {
      this.storm(
        server,
        `sent more than ${steadyPerPeer} RPCs to each peer in every 100 ms for two seconds, without a command`,
        event,
        atUs,
      );
    }
    window.number = number;
    window.endUs = (number + 1) * windowUs;
    window.requests = 0;
    window.starts = 0;
  }

  private storm(server: number, what: string, event: number, atUs: number): void {
    this.report({
      property: properties.eventStorm,
      sentence: `S${server} ${what}`,
      evidence: [evidence({ event, atUs }, server, `S${server} ${what}`)],
      server,
    });
  }
}
