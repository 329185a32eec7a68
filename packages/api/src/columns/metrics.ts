import { addQuantities, quantityText } from '@skiff/machinery'
import { cells } from './column.ts'

interface PodMetrics {
  readonly containers?: readonly { readonly usage?: Readonly<Record<string, string>> }[]
}

const total =
  (resource: string) =>
  ({ containers }: PodMetrics): string =>
    (containers ?? []).reduce((sum, { usage }) => quantityText(addQuantities(sum, usage?.[resource] ?? '0')), '0')

export const podMetricsCells = cells<PodMetrics>({ cpu: total('cpu'), memory: total('memory') })
