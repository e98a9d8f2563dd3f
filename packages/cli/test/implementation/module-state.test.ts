import { parse } from "acorn";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KeptObjects } from "../../src/implementation/kept-objects.ts";
import { moduleState } from "../../src/implementation/module-state.ts";

function stateOf(code: string) {
  return moduleState(parse(code, { ecmaVersion: "latest", sourceType: "script", allowReturnOutsideFunction: true }));
}

describe("a module whose top level cannot change is shared", () => {
  it.each([
    ["nothing but functions", "function majority(n) { return (n >> 1) + 1; } exports.makeRaft = (env) => majority(env.peers.length);"],
    [
      "constants",
      "const a = 1, b = 'x', c = -a * 2 + (1 << 4), d = `${" +
        "a}-${" +
        "b}`, e = a > 1 ? null : undefined, f = 10n; var g = !a && typeof b;",
    ],
    ["a let that is never assigned", "let heartbeatMs = 100; function f() { return heartbeatMs; }"],
    ["a local variable of the same name", "let term = 0; function f() { let term = 1; term++; { var inner = term; } return inner; }"],
    [
      "a parameter of the same name",
      "const log = []; const f = (log) => { log.push(1); }; const g = ({ log }) => { log = 2; }; function h([log] = []) { log++; }",
    ],
    ["a catch variable of the same name", "const e = 1; function f() { try { f(); } catch (e) { e = 2; } }"],
    ["a loop variable of the same name", "const i = 1; function f(n) { for (let i = 0; i < n; i++); for (var i of n); }"],
    [
      "a label and a property of the same name",
      "const a = 1; function f(x) { a: for (;;) break a; x.a = 2; ({ a: x.b } = x); return { a: 3 }; }",
    ],
    ["a regular expression without a memory", "const word = /^[a-z]+$/i; function f(s) { return word.test(s); }"],
    [
      "records that are read",
      "const T = { a: 1, b: [1, 2] }, L = [1, 2, 3]; function f(i) { const { x } = L; return T.a + T.b[i] + L[i] + L.length + T?.a; }",
    ],
    [
      "records that are copied",
      "const D = { a: 1 }; const L = [...[1, 2], 3]; function f(o) { return [{ ...D, ...o }, [...L], Object.keys(D), JSON.stringify(L)]; }",
    ],
    [
      "arrays and their reading methods",
      "const L = ['a']; function f(x) { for (const l of L) f(l); return L.includes(x) || L.map((l) => l + x).join(); }",
    ],
    [
      "an object of functions",
      "const handlers = { vote(args) { return args; }, append: (x) => x }; function f(m, a) { return handlers[m](a) ?? handlers.vote(a); }",
    ],
    [
      "frozen objects, which anybody may have",
      "const F = Object.freeze({ a: 1, b: Object.freeze([1]) }); function f(g) { g(F); return F; }",
    ],
    ["an object frozen later", "const F = { a: 1 }; Object.freeze(F); function f() { return F.a; }"],
    [
      "classes",
      "class A { #n = 0; static make() { return new A(); } get n() { return this.#n++; } } var B = class _B extends A { static X = 1; y = [_B.X]; }; class E extends Error {}",
    ],
    [
      "Node's modules",
      "var fs = require('node:fs'); const { join } = require('path'); var p = __toESM(require('os'), 1); class Q extends p.EventEmitter {} function f() { return [fs.x, join, p.default]; }",
    ],
    [
      "lookup tables",
      "const M = new Map([['a', 1]]), S = new Set(['x', ...['y']]); function f(k) { return S.has(k) ? M.get(k) : M.size; }",
    ],
    ["a frozen one", "const M = Object.freeze(new Map([['a', 1]])); function f(k) { return M.get(k); }"],
    [
      "encoders",
      "const enc = new TextEncoder(), dec = new TextDecoder(); const none = new Uint8Array(0); function f(x) { return dec.decode(enc.encode(x)) + none.length; }",
    ],
    [
      "an enum of TypeScript's",
      'var Role = /* @__PURE__ */ ((Role2) => { Role2[Role2["F"] = 0] = "F"; Role2["L"] = "l"; return Role2; })(Role || {}); function f(r) { return Role[r] === Role.L; }',
    ],
    ["a switch from the environment", "const DEBUG = process.env.DEBUG === '1'; function f() { return DEBUG; }"],
    ["symbols", "const key = Symbol('key'); function f(o) { o[key] = 1; }"],
    [
      "numbers that are calculated",
      "const a = Math.max(1, Math.floor(2.5)), b = Number.MAX_SAFE_INTEGER, c = parseInt('7', 10), d = Math.PI;",
    ],
    [
      "exports of a compiled CommonJS module",
      '"use strict"; Object.defineProperty(exports, "__esModule", { value: true }); exports.makeRaft = void 0; const makeRaft = () => (0, exports.other)(); exports.makeRaft = makeRaft; exports.other = exports.third = () => 1;',
    ],
    ["module.exports as a record", "function makeRaft() {} module.exports = { makeRaft, version: 1 };"],
    [
      "exports as esbuild collects them",
      "var x_exports = {}; __export(x_exports, { A: () => A, f: () => f }); module.exports = __toCommonJS(x_exports); var A = { a: 1 }; function f() { return A.a; } 0 && (module.exports = { A, f });",
    ],
    [
      "another module's names",
      "var y_exports = {}; __export(y_exports, { g: () => g }); function g() {} function f() { return y_exports.g(); }",
    ],
    ["reads of globals in functions", "function f() { console.log(globalThis.crypto, Date.now(), process.env.X); setTimeout(f, 1); }"],
  ])("%s", (_, code) => {
    expect(stateOf(code)).toMatchObject({ kind: "shared" });
  });

  it("and what could be changed by whoever gets hold of it is known, to be checked after each run", () => {
    const constants = "var __defProp = Object.defineProperty; const a = 1, z = Object.freeze([1]);";
    const code = `${constants} const r = { x: 1 }; class C {} function called() {} function given() {} const g = () => [r.x, called(), new C(), given];`;
    expect(stateOf(code)).toEqual({ kind: "shared", watched: ["given", "r", "C"] });
  });

  it("constants among it, but no modules of Node's, which the guard of the language looks after", () => {
    const modules = "var fs = require('fs'); var p = __toESM(require('path'), 1), w = __toESM(require('util')); const { join } = fs;";
    const constants =
      "const re = /a/, enc = new TextEncoder(), F = Object.freeze({ a: 1 }), M = new Map([['a', () => 1]]), key = Symbol('key');";
    const uses = "const f = (g) => [re.test(F.a), enc.encode(g), M.get('a'), p.join, fs, join, g(w), dec.decode(g)];";
    const state = stateOf(`${modules} ${constants} const dec = new TextDecoder(); ${uses}`);
    expect(state).toEqual({ kind: "shared", watched: ["w", "re", "enc", "F", "M"] });
  });
});

describe("everything else is isolated", () => {
  it.each([
    ["a counter", "let n = 0; function f() { n++; }", "'n' is written to"],
    ["an assignment deep inside", "let n; const f = () => () => { class A { m() { n ??= 1; } } };", "'n' is written to"],
    ["an assignment by destructuring", "let n = 0, m = 0; function f(o) { ({ a: n } = o); }", "'n' is written to"],
    ["an assignment by array destructuring", "let n = 0; function f(o) { [n] = o; }", "'n' is written to"],
    ["an assignment with a default", "let n = 0; function f(o) { ({ n = 5 } = o); }", "'n' is written to"],
    ["an assignment by a rest", "let n = 0; function f(o) { [...n] = o; }", "'n' is written to"],
    ["an assignment by a loop", "let n = 0; function f(o) { for (n of o); }", "'n' is written to"],
    [
      "an assignment beside a block's function of the same name",
      "let n = 0; function f() { { function n() {} } n = 1; }",
      "'n' is written to",
    ],
    ["an assignment in a default of a parameter", "let n = 0; function f(a = n++) { var n; }", "'n' is written to"],
    ["a cache", "const cache = new Map(); function f(k) { cache.set(k, 1); }", "'cache' could be changed"],
    ["a cache that is handed on", "const cache = new Map(); function f(g) { g(cache); }", "'cache' could be changed"],
    ["an array that is pushed to", "const seen = []; function f(x) { seen.push(x); }", "'seen' is an object"],
    ["an array that is sorted", "const order = [2, 1]; function f() { return order.sort(); }", "'order' is an object"],
    ["an array of functions that is pushed to", "const hooks = [() => 1]; function f(x) { hooks.push(x); }", "'hooks' is an object"],
    ["an element that is assigned", "const a = [0]; function f(i) { a[i]++; }", "'a' is written to"],
    ["a property that is assigned", "const state = { term: 0 }; function f() { state.term = 1; }", "'state' is written to"],
    ["a deep property that is assigned", "const s = { a: { b: 1 } }; function f() { s.a.b = 1; }", "'s' is written to"],
    ["a property that is deleted", "const s = { a: 1 }; function f() { delete s?.a; }", "'s' is written to"],
    ["Object.assign", "const s = { a: 1 }; function f(o) { Object.assign(s, o); }", "'s' is given to a function that writes to it"],
    ["an object that is returned", "const s = { a: 1 }; function f() { return s; }", "'s' is an object"],
    ["an object that is passed", "const s = { a: 1 }; function f(g) { g(s); }", "'s' is an object"],
    ["an object that is aliased", "const s = { a: 1 }; const t = s;", "'s' is an object"],
    ["an object that is a default", "const s = { a: 1 }; function f(o = s) { o.a++; }", "'s' is an object"],
    ["an object within another one", "const s = { a: 1 }; const t = { s };", "'s' is an object"],
    ["a part of a deep object", "const s = { a: { b: 1 } }; function f(g) { g(s.a); }", "'s' is an object"],
    ["copies of a deep object", "const s = [[1]]; function f() { return [...s]; }", "'s' is an object"],
    ["a frozen object with one inside that is not", "const s = Object.freeze({ a: [1] }); function f() { return s; }", "'s' is an object"],
    [
      "an object that another module's names give away",
      "var y_exports = {}; __export(y_exports, { s: () => s }); var s = { a: 1 };",
      "'s' is an object",
    ],
    [
      "own exports that are used",
      "var x_exports = {}; __export(x_exports, { s: () => s }); module.exports = __toCommonJS(x_exports); var s = { a: 1 }; function f() { x_exports.s.a = 1; }",
      "written to",
    ],
    ["an object that is exported piece by piece", "exports.s = { a: 1 };", "an object is exported"],
    ["exports that are written later", "exports.n = 0; exports.f = () => { exports.n++; };", "'exports' is written to"],
    ["exports as a whole", "exports.f = () => exports;", "'exports' is used beyond exporting"],
    ["a property of a function", "function f() { f.calls = 1; }", "'f' is written to"],
    ["a property of a prototype", "class A {} A.prototype.x = 1;", "AssignmentExpression"],
    ["a property of a prototype, later", "class A {} function f() { A.prototype.x = 1; }", "'A' is written to"],
    ["a counter of a class", "class A { static n = 0; constructor() { A.n++; } }", "'A' is written to"],
    ["a counter of a class by its inner name", "var A = class _A { static n = 0; constructor() { _A.n++; } };", "'_A' is written to"],
    ["a counter of a class by way of this", "class A { static n = 0; static f() { this.n++; } }", "property 'n'"],
    ["a counter of a class by way of its objects", "class A { static n = 0; f() { this.constructor.n += 1; } }", "property 'n'"],
    ["a private counter of a class", "class A { static #n = 0; f() { return A.#n; } }", "private static field #n"],
    ["a list of a class", "class A { static all = []; }", "PropertyDefinition"],
    ["a static block", "class A { static { A.x = new Map(); } }", "StaticBlock"],
    ["a regular expression with a memory", "const re = /a/g; function f(s) { return re.test(s); }", "remembers where it was"],
    ["a sticky one", "const re = /a/y;", "remembers where it was"],
    ["a call", "function makeLog() { return []; } const log = makeLog();", "CallExpression"],
    ["an object of a class", "class A {} const a = new A();", "Identifier"],
    ["a buffer", "const scratch = new Uint8Array(16);", "Identifier"],
    ["time", "const start = Date.now();", "CallExpression"],
    ["randomness", "const id = Math.random();", "Identifier"],
    ["randomness for later", "const random = Math.random;", "Identifier"],
    ["a timer", "setInterval(() => {}, 100);", "CallExpression"],
    ["output", "console.log('loaded');", "CallExpression"],
    ["a statement", "if (process.env.X) { var a = 1; }", "IfStatement"],
    ["a loop", "for (var i = 0; i < 3; i++);", "ForStatement"],
    ["a throw", "throw new Error('no');", "ThrowStatement"],
    [
      "a module of CommonJS inside the bundle",
      "var require_x = __commonJS({ 'x'(exports, module) { exports.n = 0; } });",
      "CallExpression",
    ],
    ["a lazy module", "var n; var init_x = __esm({ 'x'() { n = 1; } });", "CallExpression"],
    ["a require of something else", "function f(x) { return require(x); }", "'require'"],
    ["a namespace of TypeScript's", "var N; ((N2) => { N2.z = []; })(N || (N = {}));", "ArrowFunctionExpression"],
    [
      "an enum with another one's object",
      "const o = { a: 1 }; var E = ((E2) => { E2['x'] = 1; return E2; })(o || {});",
      "LogicalExpression",
    ],
    ["a global variable", "function f() { globalThis.n = 1; }", "'globalThis' is written to"],
    ["an undeclared variable", "function f() { n = 1; }", "'n' is written to"],
    ["a property of a global", "function f() { process.env.X = '1'; }", "'process' is written to"],
    ["a property of a built-in prototype", "function f() { Array.prototype.last = 1; }", "'Array' is written to"],
    ["a property of a module of Node's", "var e = require('events'); function f() { e.defaultMaxListeners = 1; }", "'e' is written to"],
    ["the global object as a whole", "function f(g) { g(globalThis); }", "'globalThis' is used as a whole"],
    ["the global object by a computed name", "function f(g) { return globalThis[g]; }", "'globalThis' is used as a whole"],
    ["eval", "let n = 0; function f(s) { eval(s); }", "'eval'"],
    ["Function", "function f(s) { return new Function(s); }", "'Function'"],
    ["with", "function f(o) { with (o) { n; } }", "'with'"],
    ["arguments.callee", "function f() { arguments.callee.calls = 1; }", "'callee'"],
    ["this at the top level", "const f = () => { this.n = 1; };", "'this' at the top level"],
    ["the wrapper's arguments", "const f = () => arguments[1];", "'arguments' at the top level"],
    ["a name that is declared twice", "var a = 1; var a = 2;", "declared twice"],
    ["a getter on what is exported", "Object.defineProperty(exports, 'n', { get() { return 1; } });", "CallExpression"],
  ])("%s", (_, code, why) => {
    const state = stateOf(code);
    expect(state).toMatchObject({ kind: "isolated", because: expect.stringContaining(why) });
  });

  it("code that is nested too deeply to be looked at", () => {
    expect(stateOf(`const a = ${"[".repeat(700)}${"]".repeat(700)};`).kind).toBe("shared");
    const deep = parse("const a = 1;", { ecmaVersion: "latest" });
    const statement = deep.body[0]!;
    for (let depth = 0, inner: object = statement; depth < 100_000; depth++) {
      const next = { type: "EmptyStatement", start: 0, end: 0 };
      Object.assign(inner, { inner: next });
      inner = next;
    }
    expect(moduleState(deep)).toEqual({ kind: "isolated", because: "the code is nested too deeply" });
  });
});

/** What a module may keep at its top level, and what its function may do with it: with and without leaving a trace. */
const keepings: readonly (readonly [declaration: string, uses: readonly string[]])[] = [
  ["let n = 1;", ["n", "n++", "n = n * 2", "(() => { let n = 5; return n++; })()", "((n) => ++n)(4)"]],
  [
    "const L = [1, 2];",
    [
      "L[0]",
      "L.length",
      "L.push(9)",
      "L.map((l) => l * 2).join()",
      "[...L].pop()",
      "take(L)",
      "change(L)",
      "L.reverse()[0]",
      "(L[0] += 1)",
      "tidy(L)",
    ],
  ],
  [
    "const R = { a: 1 };",
    [
      "R.a",
      "R.a++",
      "({ ...R, b: 2 }).b",
      "change(R)",
      "Object.assign(R, { a: R.a + 1 }).a",
      "(({ a }) => a)(R)",
      "delete R.a",
      "[R.a] = [7]",
    ],
  ],
  [
    "const D = { x: { y: [1] } };",
    ["D.x.y[0]", "D.x.y.push(1)", "D.x.y.includes(1)", "change(D.x)", "(D.x = { y: [4] }).y[0]", "Object.values(D)[0].y.push(3)"],
  ],
  ["const F = Object.freeze({ a: 1, l: Object.freeze([1]) });", ["F.a", "take(F)", "F.l.length", "change(F)"]],
  ["const G = Object.freeze({ l: [1] });", ["G.l.length", "G.l.push(1)", "change(G.l)", "take(G)"]],
  ["const H = { f(x) { this.last = x; return 1; }, g: (x) => x };", ["H.g(2)", "H.f(2)", "H['g'](3)", "H.last", "Object.keys(H).length"]],
  ["const M = new Map([['a', 1]]);", ["M.get('a')", "M.size", "M.set('b' + M.size, 1).size", "change(M)", "M.delete('a')"]],
  ["const S = new Set([1]);", ["S.has(1)", "S.add(S.size + 1).size", "[...S].length"]],
  [
    "class C { static n = 1; static up() { return this.n++; } own() { return this.constructor.n; } }",
    ["C.n", "C.up()", "new C().own()", "C.n++", "(C.more = (C.more ?? 0) + 1)", "change(C)", "take(C).n"],
  ],
  [
    "class P { m() { return 1; } }",
    ["new P().m()", "(P.prototype.m = () => 2)()", "(new P().constructor.prototype.k = 1)", "new P().k", "change(P.prototype)"],
  ],
  ["function E() { return E.calls ?? 0; }", ["E()", "(E.calls = E() + 1)", "change(E)", "take(E)()"]],
  ["const N = function inner(get) { return get ? inner : (inner.calls ?? 0); };", ["N()", "N(1)()", "change(N(1))"]],
  ["const X = /1/g;", ["X.test('11')", "X.lastIndex"]],
  ["const Y = /1/;", ["Y.test('11')", "Y.lastIndex"]],
  ["const Z = /1/;", ["Z.test('11')", "(() => { const r = Z; r.lastIndex++; return r.lastIndex; })()", "change(Z)", "take(Z).lastIndex"]],
  ["const V = Object.freeze({ f: () => 1 });", ["V.f()", "change(V.f)", "mark(V.f)", "take(V).f()"]],
  ["const A = [() => 1];", ["A[0]()", "A.at(0)()", "change(A.at(0))", "mark(A[0])", "A.length"]],
  ["const T = new Map([['a', () => 1]]);", ["T.get('a')()", "change(T.get('a'))", "hide(T.get('a'))"]],
  ["const B = new Uint8Array(0);", ["B.length", "change(B)", "mark(B)", "change(B.buffer)"]],
  [
    "class I { static get shared() { return hide(this, []); } static at() { return mark(this); } push() { return this.constructor.shared.push(1); } m() {} }",
    ["new I().push()", "I.at()", "take(I).name", "change(new I().m)", "hide(I.prototype)"],
  ],
  ["let later; const set = (v) => { later = v; };", ["later", "set((later ?? 0) + 1)"]],
  [
    "var K = ((K2) => { K2[K2['A'] = 0] = 'A'; return K2; })(K || {});",
    ["K.A", "K[0]", "(K.B = (K.B ?? 1) + 1)", "change(K)", "Object.keys(K).length"],
  ],
];

const common = `
const take = (o) => o;
const change = (o) => { o.changed = (o.changed ?? 0) + 1; return o.changed; };
const mark = (o) => { o[Symbol.iterator] = (o[Symbol.iterator] ?? 0) + 1; return o[Symbol.iterator]; };
const hide = (o, v = (o.hidden ?? 0) + 1) => { Object.defineProperty(o, Array.isArray(v) ? 'shared' : 'hidden', { value: v, configurable: true }); return v; };
const tidy = (o) => { const had = o.length; o.push(had); o.pop(); return had; };
`;

const modules = fc
  .uniqueArray(fc.nat(keepings.length - 1), { minLength: 1, maxLength: 4 })
  .chain((chosen) =>
    fc.record({
      chosen: fc.constant(chosen),
      uses: fc.array(fc.tuple(fc.constantFrom(...chosen), fc.nat(9)), { minLength: 1, maxLength: 6 }),
    }),
  )
  .map(({ chosen, uses }) => {
    const declarations = chosen.map((i) => keepings[i]![0]).join("\n");
    const expressions = uses.map(([i, use]) => keepings[i]![1][use % keepings[i]![1].length]!);
    return `${common}${declarations}\nexports.f = () => [${expressions.map((expression) => `\n  () => ${expression}`).join(",")}\n].map((look) => { try { return String(look()); } catch (e) { return e.message; } }).join();`;
  });

function evaluate(code: string, watched: readonly string[] = []): { f: () => string; kept: readonly unknown[] } {
  const exports = {} as { f: () => string };
  const kept = new Function("exports", "module", `${code}\nreturn [${watched.join(", ")}];`)(exports, { exports }) as unknown[];
  return { f: exports.f, kept };
}

describe("sharing", () => {
  it("is seen by nobody: a module that is shared, and is unchanged after its use, has answered as if it had been loaded anew each time", () => {
    let shared = 0;
    let changed = 0;
    fc.assert(
      fc.property(modules, (code) => {
        const state = stateOf(code);
        if (state.kind === "isolated") return;
        shared++;
        const once = evaluate(code, state.watched);
        const before = new KeptObjects(once.kept);
        const answers = [once.f(), once.f(), once.f()];
        if (!before.unchanged) {
          changed++;
          return;
        }
        expect(answers).toEqual([1, 2, 3].map(() => evaluate(code).f()));
      }),
      { numRuns: 3000, seed: 1 },
    );
    // Both ways of staying correct must have been taken.
    expect(shared).toBeGreaterThan(200);
    expect(changed).toBeGreaterThan(20);
  });
});
