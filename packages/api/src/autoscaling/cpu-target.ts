import type { MetricSpec } from '../generated/types.ts'

/** The metric of a share of the processor time that pods ask for. */
export const cpuTarget = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})
