import { sameCommand } from "../cluster/service-log.ts";
import type { Moment } from "./finding.ts";

/** A command that a leader has taken in start(). */
export interface AcceptedCommand extends Moment {
  readonly index: number;
  readonly term: number;
  readonly server: number;
  readonly command: unknown;
  /** The one accepted before it at this index. */
  readonly former: AcceptedCommand | undefined;
}

/** All commands that leaders have taken, by the index that start() gave them. */
export class AcceptedCommands {
  private readonly byIndex: (AcceptedCommand | undefined)[] = [];
  /** Given to servers that died in start(). */
  private readonly unanswered: unknown[] = [];

  add(server: number, index: number, term: number, command: unknown, event: number, atUs: number): void {
    this.byIndex[index] = { index, term, server, command, event, atUs, former: this.byIndex[index] };
  }

  /** A server died in start() with this command: nobody knows whether it had taken it, nor where. */
  addUnanswered(command: unknown): void {
    this.unanswered.push(command);
  }

  /** The one that was accepted last at an index in a term. */
  find(index: number, term: number | undefined): AcceptedCommand | undefined {
    let accepted = this.byIndex[index];
    while (accepted !== undefined && accepted.term !== term) accepted = accepted.former;
    return accepted;
  }

  /** Whether the command was accepted at this index, in whatever term, or may have been. */
  has(index: number, command: unknown): boolean {
    let accepted = this.byIndex[index];
    while (accepted !== undefined && accepted.command !== command && !sameCommand(accepted.command, command)) accepted = accepted.former;
    return accepted !== undefined || this.wasUnanswered(command);
  }

  private wasUnanswered(command: unknown): boolean {
    return this.unanswered.some((given) => sameCommand(given, command));
  }
}
