import type { MakeRaft } from "@raft-stress/raft/api";
import { LabRaft } from "../lab-style/raft.ts";
import type { RequestVoteArgs, RequestVoteReply } from "../lab-style/rpc.ts";

export const makeRaft: MakeRaft = (env) => new BuggyRaft(env);

/** The Raft of ../lab-style with one mistake, of a kind that takes hundreds of runs to show. Find it with the tests before you read on here. */
class BuggyRaft extends LabRaft {
  protected override async askForVote(peer: number, args: RequestVoteArgs): Promise<void> {
    const reply = await this.call<RequestVoteReply>(peer, "RequestVote", args);
    if (reply === undefined) return;
    this.observeTerm(reply.term);
    // The mistake: this server is a candidate, but of which term? While it waited it may have lost one election and begun the next. A vote for the first
    // one then helps to win the second, and two leaders can share a term.
    if (this.role === "candidate" && reply.voteGranted) this.countVote();
  }
}
