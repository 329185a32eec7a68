// Upstream's numbers: look for at least 100 feasible nodes, and from 50 % down to 5 % of all as clusters grow.
const minFeasible = 100
const minPercent = 5

/** How many feasible nodes are enough. `percentage` is the configuration's; 0 takes upstream's own. */
export const enoughFeasible = (nodes: number, percentage = 0): number => {
  if (nodes < minFeasible || percentage >= 100) return nodes
  const percent = percentage > 0 ? percentage : Math.max(minPercent, 50 - Math.trunc(nodes / 125))
  return Math.max(minFeasible, Math.trunc((nodes * percent) / 100))
}
