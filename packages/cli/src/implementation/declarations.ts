import type { AnyNode, CallExpression, Program } from "acorn";
import type { BundleText } from "./bundle-text.ts";
import { isExports, isNamed } from "./top-level.ts";

/** Where the exports of a bundle are declared, by their names, as far as it can be seen: `line:column`, counted as in stacks. */
export function declarationsOf(text: BundleText): Record<string, string> {
  const { program } = text;
  const found = new Map<string, AnyNode>();
  const own = ownCollection(program);
  for (const node of program.body) {
    if (node.type !== "ExpressionStatement") continue;
    const { expression } = node;
    if (expression.type === "CallExpression" && own !== undefined) collectGetters(expression, own, found);
    if (expression.type === "AssignmentExpression") collectAssigned(expression, found);
  }
  const declared = declarations(program);
  const declarationOf = (node: AnyNode) => (node.type === "Identifier" ? declared.get(node.name) : undefined) ?? node;
  return Object.fromEntries([...found].map(([name, node]) => [name, text.placeOf(declarationOf(node))]));
}

/** The name under which esbuild collects the exports of the bundle: that of `module.exports = __toCommonJS(name)`. */
function ownCollection({ body }: Program): string | undefined {
  for (const node of body) {
    if (node.type !== "ExpressionStatement" || node.expression.type !== "AssignmentExpression" || !isExports(node.expression.left))
      continue;
    const { right } = node.expression;
    if (right.type === "CallExpression" && isNamed(right.callee, "__toCommonJS") && right.arguments[0]?.type === "Identifier")
      return right.arguments[0].name;
  }
  return undefined;
}

function collectGetters({ callee, arguments: [target, getters] }: CallExpression, own: string, found: Map<string, AnyNode>): void {
  if (!isNamed(callee, "__export") || !target || !isNamed(target, own) || getters?.type !== "ObjectExpression") return;
  for (const getter of getters.properties) {
    if (getter.type === "Property" && getter.value.type === "ArrowFunctionExpression") collect(getter.key, getter.value.body, found);
  }
}

/** `exports.name = value`, `module.exports = { name: value }`, `module.exports = value`. */
function collectAssigned({ left, right }: AnyNode & { type: "AssignmentExpression" }, found: Map<string, AnyNode>): void {
  if (left.type === "MemberExpression" && isExports(left.object)) collect(left.property, right, found);
  if (!isExports(left) || right.type === "CallExpression") return;
  if (right.type !== "ObjectExpression") found.set("module.exports", right);
  else for (const property of right.properties) if (property.type === "Property") collect(property.key, property.value, found);
}

function collect(key: AnyNode, value: AnyNode, found: Map<string, AnyNode>): void {
  if (key.type === "Identifier") found.set(key.name, value);
  else if (key.type === "Literal") found.set(String(key.value), value);
}

/** Where each name is declared. */
function declarations({ body }: Program): ReadonlyMap<string, AnyNode> {
  const found = new Map<string, AnyNode>();
  const declare = (id: AnyNode | null) => id?.type === "Identifier" && !found.has(id.name) && found.set(id.name, id);
  for (const statement of body) {
    if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") declare(statement.id);
    if (statement.type === "VariableDeclaration") for (const { id } of statement.declarations) declare(id);
  }
  return found;
}
