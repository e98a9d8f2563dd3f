import { PropertyViolation } from "../failure.ts";
import { listOf } from "../list-of.ts";
import type { Simulation } from "../sim/simulation.ts";
import { AcceptedCommands } from "./accepted-commands.ts";
import { AcknowledgedEntries } from "./acknowledged-entries.ts";
import { ApplyOrder } from "./apply-order.ts";
import { CandidatesYield } from "./candidates-yield.ts";
import { CommitRule } from "./commit-rule.ts";
import { CommittedLog } from "./committed-log.ts";
import { Coverage } from "./coverage.ts";
import { DurableQuorum } from "./durable-quorum.ts";
import { ElectionQuorum } from "./election-quorum.ts";
import { ElectionRestriction } from "./election-restriction.ts";
import { ElectionSafety, type LeadershipSign } from "./election-safety.ts";
import { EntryOrigin } from "./entry-origin.ts";
import { EventStorm } from "./event-storm.ts";
import type { Report } from "./finding.ts";
import { LeaderAppendOnly } from "./leader-append-only.ts";
import { LeaderCompleteness } from "./leader-completeness.ts";
import { LogMatching } from "./log-matching.ts";
import { LogTerms } from "./log-terms.ts";
import { MessageTerms } from "./message-terms.ts";
import { MonotoneCommit } from "./monotone-commit.ts";
import { MonotoneTerm } from "./monotone-term.ts";
import { OneVote } from "./one-vote.ts";
import { propertyKeys } from "./properties.ts";
import { ProposedCommands } from "./proposed-commands.ts";
import { ServerRecord } from "./server-record.ts";
import { SnapshotConsistency } from "./snapshot-consistency.ts";
import { StableStorage } from "./stable-storage.ts";
import { StaleRequests } from "./stale-requests.ts";
import { StartContract } from "./start-contract.ts";
import { StateMachineSafety } from "./state-machine-safety.ts";
import { type DiskOf, WriteAhead } from "./write-ahead.ts";

const nobodyCanLook: DiskOf = () => undefined;

/** The checkers of one run, one for each property, and what they share: what is known of each server, and of the run. */
export class Checkers {
  readonly simulation: Simulation;
  /** Whether the service takes snapshots. */
  readonly snapshots: boolean;
  readonly coverage = new Coverage();
  readonly records: readonly ServerRecord[];
  readonly committed = new CommittedLog();
  readonly accepted = new AcceptedCommands();
  /** Looks that found a server as before: they count for Monotone Term and for Monotone Commit. */
  unchanged = 0;
  /** What a restart of a server would find now: the last word where what was seen of its saves speaks against it. Undefined where nobody can look. */
  diskOf: DiskOf = nobodyCanLook;

  readonly electionSafety: ElectionSafety;
  readonly oneVote: OneVote;
  readonly electionQuorum: ElectionQuorum;
  readonly candidatesYield: CandidatesYield;
  readonly electionRestriction: ElectionRestriction;
  readonly monotoneTerm: MonotoneTerm;
  readonly messageTerms: MessageTerms;
  readonly staleRequests: StaleRequests;
  readonly writeAhead: WriteAhead;
  readonly stableStorage: StableStorage;
  readonly logMatching: LogMatching;
  readonly logTerms: LogTerms;
  readonly entryOrigin: EntryOrigin;
  readonly leaderAppendOnly: LeaderAppendOnly;
  readonly acknowledgedEntries: AcknowledgedEntries;
  readonly commitRule: CommitRule;
  readonly durableQuorum: DurableQuorum;
  readonly leaderCompleteness: LeaderCompleteness;
  readonly stateMachineSafety: StateMachineSafety;
  readonly monotoneCommit: MonotoneCommit;
  readonly applyOrder: ApplyOrder;
  readonly startContract: StartContract;
  readonly proposedCommands: ProposedCommands;
  readonly snapshotConsistency: SnapshotConsistency;
  readonly eventStorm: EventStorm;

  constructor(simulation: Simulation, servers: number, snapshots: boolean) {
    this.simulation = simulation;
    this.snapshots = snapshots;
    this.records = listOf(servers, (server) => new ServerRecord(server));
    const report: Report = ({ property, sentence, evidence, server }) =>
      simulation.fail(new PropertyViolation(property.name, property.source, sentence, server, evidence));
    this.electionSafety = new ElectionSafety(report);
    this.oneVote = new OneVote(servers, report);
    this.electionQuorum = new ElectionQuorum(servers, this.oneVote, report);
    this.candidatesYield = new CandidatesYield(report);
    this.electionRestriction = new ElectionRestriction(report);
    this.monotoneTerm = new MonotoneTerm(report);
    this.messageTerms = new MessageTerms(report);
    this.staleRequests = new StaleRequests(report);
    this.writeAhead = new WriteAhead(servers, report);
    this.stableStorage = new StableStorage(report);
    this.logMatching = new LogMatching(report, (entry) => this.entryOrigin.appeared(entry, this.electionSafety.of(entry.term)));
    this.logTerms = new LogTerms(report);
    this.entryOrigin = new EntryOrigin(report);
    this.leaderAppendOnly = new LeaderAppendOnly(report);
    this.acknowledgedEntries = new AcknowledgedEntries(report);
    this.commitRule = new CommitRule(report);
    this.durableQuorum = new DurableQuorum((server) => this.diskOf(server), report);
    this.leaderCompleteness = new LeaderCompleteness(this.logMatching, report);
    this.stateMachineSafety = new StateMachineSafety(report);
    this.monotoneCommit = new MonotoneCommit(report);
    this.applyOrder = new ApplyOrder(servers, report);
    this.startContract = new StartContract(servers, this.accepted, report);
    this.proposedCommands = new ProposedCommands(this.accepted, report);
    this.snapshotConsistency = new SnapshotConsistency((server) => this.diskOf(server), report);
    this.eventStorm = new EventStorm(servers, report);
  }

  /** How often each property was looked at, in the order of `propertyKeys`. */
  looks(): readonly number[] {
    return propertyKeys.map((key) => {
      const { looked } = this[key];
      return key === "monotoneTerm" || key === "monotoneCommit" ? looked + this.unchanged : looked;
    });
  }

  /** Whether all servers show themselves by inspect(): then nothing is committed that is not known. */
  get allInspected(): boolean {
    for (const { inspects, raft } of this.records) if (!inspects && raft !== undefined) return false;
    return true;
  }

  leads(server: number, term: number, sign: LeadershipSign): void {
    const { events, nowUs } = this.simulation;
    if (!this.electionSafety.leads(server, term, sign, events, nowUs)) return;
    if (this.electionSafety.leaders > 1) this.coverage.count("leaderChanges");
    this.electionQuorum.elected(server, term, events, nowUs);
  }
}
