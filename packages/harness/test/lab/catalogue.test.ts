import { describe, expect, it } from "vitest";
import { labTests } from "../../src/lab/index.ts";

const reliable = true;
const unreliable = false;

/** Name to 2023, name since, title, servers, network: as the course has them. */
const catalogue: [name: string, alias: string, title: string, servers: number, network: boolean][] = [
  ["TestInitialElection2A", "TestInitialElection3A", "initial election", 3, reliable],
  ["TestReElection2A", "TestReElection3A", "election after network failure", 3, reliable],
  ["TestManyElections2A", "TestManyElections3A", "multiple elections", 7, reliable],
  ["TestBasicAgree2B", "TestBasicAgree3B", "basic agreement", 3, reliable],
  ["TestRPCBytes2B", "TestRPCBytes3B", "RPC byte count", 3, reliable],
  ["TestFollowerFailure2B", "TestFollowerFailure3B", "test progressive failure of followers", 3, reliable],
  ["TestLeaderFailure2B", "TestLeaderFailure3B", "test failure of leaders", 3, reliable],
  ["TestFailAgree2B", "TestFailAgree3B", "agreement after follower reconnects", 3, reliable],
  ["TestFailNoAgree2B", "TestFailNoAgree3B", "no agreement if too many followers disconnect", 5, reliable],
  ["TestConcurrentStarts2B", "TestConcurrentStarts3B", "concurrent Start()s", 3, reliable],
  ["TestRejoin2B", "TestRejoin3B", "rejoin of partitioned leader", 3, reliable],
  ["TestBackup2B", "TestBackup3B", "leader backs up quickly over incorrect follower logs", 5, reliable],
  ["TestCount2B", "TestCount3B", "RPC counts aren't too high", 3, reliable],
  ["TestPersist12C", "TestPersist13C", "basic persistence", 3, reliable],
  ["TestPersist22C", "TestPersist23C", "more persistence", 5, reliable],
  ["TestPersist32C", "TestPersist33C", "partitioned leader and one follower crash, leader restarts", 3, reliable],
  ["TestFigure82C", "TestFigure83C", "Figure 8", 5, reliable],
  ["TestUnreliableAgree2C", "TestUnreliableAgree3C", "unreliable agreement", 5, unreliable],
  ["TestFigure8Unreliable2C", "TestFigure8Unreliable3C", "Figure 8 (unreliable)", 5, unreliable],
  ["TestReliableChurn2C", "TestReliableChurn3C", "churn", 5, reliable],
  ["TestUnreliableChurn2C", "TestUnreliableChurn3C", "unreliable churn", 5, unreliable],
  ["TestSnapshotBasic2D", "TestSnapshotBasic3D", "snapshots basic", 3, reliable],
  ["TestSnapshotInstall2D", "TestSnapshotInstall3D", "install snapshots (disconnect)", 3, reliable],
  ["TestSnapshotInstallUnreliable2D", "TestSnapshotInstallUnreliable3D", "install snapshots (disconnect+unreliable)", 3, unreliable],
  ["TestSnapshotInstallCrash2D", "TestSnapshotInstallCrash3D", "install snapshots (crash)", 3, reliable],
  ["TestSnapshotInstallUnCrash2D", "TestSnapshotInstallUnCrash3D", "install snapshots (unreliable+crash)", 3, unreliable],
  ["TestSnapshotAllCrash2D", "TestSnapshotAllCrash3D", "crash and restart all servers", 3, reliable],
  ["TestSnapshotInit2D", "TestSnapshotInit3D", "snapshot initialization after crash", 3, reliable],
];

describe("the catalogue of lab tests", () => {
  it("has the course's 28 tests in the course's order, with their names, titles, sizes and networks", () => {
    expect(labTests.map((test) => [test.name, test.alias, test.title, test.servers, test.reliable])).toEqual(catalogue);
  });

  it("says the part as the name does, and takes snapshots in part D only", () => {
    for (const { name, alias, part, snapshots } of labTests) {
      expect(name.endsWith(part)).toBe(true);
      expect(alias.endsWith(part.replace("2", "3"))).toBe(true);
      expect(snapshots).toBe(part === "2D");
    }
    expect(["2A", "2B", "2C", "2D"].map((part) => labTests.filter((test) => test.part === part).length)).toEqual([3, 10, 8, 7]);
  });
});
