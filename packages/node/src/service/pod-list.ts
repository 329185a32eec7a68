import type { Pod } from '@skiff/api'

export interface PodList {
  readonly apiVersion: 'v1'
  readonly kind: 'PodList'
  readonly metadata: Record<string, never>
  readonly items: readonly Pod[]
}

export const podList = (items: readonly Pod[]): PodList => ({ apiVersion: 'v1', kind: 'PodList', metadata: {}, items })
