import { Channel, channel, tracingChannel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { format } from "node:util";
import { builtinModule } from "./builtin-module.ts";
import { forbiddenFunction, withMembers } from "./forbidden.ts";
import type { Replacement } from "./locale.ts";
import { virtualDateMs } from "./time.ts";

/** A module that only computes but for a few members, which are others here. */
export function patchedModule(name: string, members: object): object {
  const real = builtinModule(name) as object;
  const copy = Object.create(Object.getPrototypeOf(real) as object | null) as object;
  return withMembers(withMembers(copy, real), members);
}

/** A file knows by the machine's clock when it was made. */
export const membersOfBuffer = { File: forbiddenFunction("buffer.File") };

/** `console`: where `util.log` writes; of Node's newer versions nothing does. */
export function membersOfUtil(console: () => object): object {
  const { getSystemErrorMap } = builtinModule("util") as typeof import("node:util");
  const log = (...args: unknown[]): void => (console() as Console).log("%s - %s", timestamp(), format(...args));
  return {
    // Waits for the collection of garbage.
    aborted: forbiddenFunction("util.aborted"),
    // The one Map would be everybody's.
    getSystemErrorMap: () => new Map(getSystemErrorMap()),
    ...("log" in (builtinModule("util") as object) ? { log } : {}),
  };
}

/** `1 Jan 00:00:00` */
function timestamp(): string {
  const [, day, month, , time] = new Date(virtualDateMs()).toUTCString().split(" ");
  return `${Number(day)} ${month} ${time}`;
}

/** Who subscribes would be called for as long as the thread lives; a channel is found again by its name, perhaps with what was put on it. */
export const membersOfDiagnosticsChannel = {
  channel: (name: string | symbol) => Object.freeze(channel(name)),
  subscribe: forbiddenFunction("diagnostics_channel.subscribe"),
  unsubscribe: () => false,
};

/** Of classes that the modules hold. */
export function withinModules(): Replacement[] {
  const tracing = Object.getPrototypeOf(tracingChannel("raft-stress")) as object;
  const simulated = withoutIds(EventEmitter.EventEmitterAsyncResource);
  return [
    [EventEmitter, "EventEmitterAsyncResource", () => simulated],
    [Channel.prototype, "subscribe", forbiddenFunction("diagnostics_channel.Channel.subscribe")],
    [Channel.prototype, "bindStore", forbiddenFunction("diagnostics_channel.Channel.bindStore")],
    [tracing, "subscribe", forbiddenFunction("diagnostics_channel.TracingChannel.subscribe")],
  ];
}

/** Ids of asynchronous resources count what has happened in the whole thread. */
function withoutIds(Real: typeof EventEmitter.EventEmitterAsyncResource): object {
  const name = "EventEmitterAsyncResource";
  const asyncId = forbiddenFunction(`${name}.asyncId`);
  const triggerAsyncId = forbiddenFunction(`${name}.triggerAsyncId`);
  const resourceOf = Reflect.getOwnPropertyDescriptor(Real.prototype, "asyncResource")!.get!;
  const simulated = class extends Real {};
  Object.defineProperties(simulated.prototype, {
    asyncId: { get: asyncId, configurable: true },
    triggerAsyncId: { get: triggerAsyncId, configurable: true },
    asyncResource: {
      get(this: object): object {
        return Object.assign(resourceOf.call(this) as object, { asyncId, triggerAsyncId });
      },
      configurable: true,
    },
  });
  return Object.defineProperty(simulated, "name", { value: name });
}
