// Upstream's numbers: look for at least 100 feasible nodes, and from 50 % down to 5 % of all as clusters grow.
const minFeasible = 100
const minPercent = 5

/** How many feasible nodes are enough. */
export const enoughFeasible = (nodes: number): number => {
  if (nodes < minFeasible) return nodes
  const percent = Math.max(minPercent, 50 - Math.trunc(nodes / 125))
  return Math.max(minFeasible, Math.trunc((nodes * percent) / 100))
}
