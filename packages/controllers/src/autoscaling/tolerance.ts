import type { HorizontalPodAutoscalerSpec } from '@skiff/api'
import { milliValue } from '@skiff/machinery'
import type { Tolerance } from './replicas.ts'

// Upstream's default of --horizontal-pod-autoscaler-tolerance.
const usual = 0.1

/** The server takes a tolerance out of the spec while the feature HPAConfigurableTolerance is off. */
export const quantityTolerance = (behaviour: HorizontalPodAutoscalerSpec['behavior']): Tolerance => {
  const of = (tolerance: string | undefined) => (tolerance === undefined ? usual : milliValue(tolerance) / 1_000)
  return { up: of(behaviour?.scaleUp?.tolerance), down: of(behaviour?.scaleDown?.tolerance) }
}
