import { specContainers } from '../pods/plan-kill.ts'
import type { Volumes } from './seams.ts'

/** Volumes of a node without files: every one is there, and none exists. */
export const noVolumes: Volumes = {
  mount: async (pod) => {
    const names = specContainers(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
    return new Map(names.map((name) => [name, { hostPath: `/nowhere/${pod.metadata.uid}/${name}`, readOnly: false }]))
  },
  update: () => {},
  release: async () => {},
}
