import type { Node, Pod, PodSpec } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import { nodeOf, podOf } from './objects.ts'

const zone = 'topology.kubernetes.io/zone'
const apps = ['web', 'db', 'batch']

export interface SeededCluster {
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
}

/** A small cluster full of constraints, and pods for it; equal seeds give equal ones. */
export const seededCluster = (seed: number): SeededCluster => {
  const random = seededRandom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const sometimes = (chance: number): boolean => random() < chance
  const node = (i: number): Node =>
    nodeOf(`n${i}`, {
      labels: { ...(sometimes(0.9) ? { [zone]: pick(['a', 'b', 'c']) } : {}), disk: pick(['ssd', 'hdd']) },
      allocatable: { cpu: pick(['2', '4']), memory: pick(['2Gi', '4Gi']), pods: pick(['3', '10']) },
      spec: {
        ...(sometimes(0.1) ? { unschedulable: true } : {}),
        ...(sometimes(0.3)
          ? {
              taints: [
                { key: 'team', value: pick(['red', 'blue']), effect: pick(['NoSchedule', 'NoExecute', 'PreferNoSchedule'] as const) },
              ],
            }
          : {}),
      },
    })
  const term = () => ({ topologyKey: pick([zone, 'kubernetes.io/hostname']), labelSelector: { matchLabels: { app: pick(apps) } } })
  const affinity = (): PodSpec['affinity'] => ({
    ...(sometimes(0.4) ? { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term()] } } : {}),
    ...(sometimes(0.3) ? { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term()] } } : {}),
  })
  const spread = (app: string) => [
    {
      maxSkew: pick([1, 2]),
      topologyKey: pick([zone, 'kubernetes.io/hostname']),
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app } },
    },
  ]
  const pod = (i: number): Pod => {
    const app = pick(apps)
    const requests = { cpu: pick(['100m', '500m', '1']), memory: pick(['128Mi', '512Mi']) }
    const ports = sometimes(0.15) ? { ports: [{ containerPort: 80, hostPort: pick([8080, 9090]) }] } : {}
    return podOf(`p${i}`, {
      labels: { app },
      priority: pick([0, 0, 0, 10]),
      spec: {
        containers: [{ name: 'main', resources: { requests }, ...ports }],
        ...(sometimes(0.2) ? { nodeSelector: { disk: pick(['ssd', 'hdd']) } } : {}),
        ...(sometimes(0.3) ? { tolerations: [{ key: 'team', value: pick(['red', 'blue']) }] } : {}),
        ...(sometimes(0.4) ? { affinity: affinity() as NonNullable<PodSpec['affinity']> } : {}),
        ...(sometimes(0.3) ? { topologySpreadConstraints: spread(app) } : {}),
      },
    })
  }
  return {
    nodes: Array.from({ length: 3 + Math.floor(random() * 6) }, (_, i) => node(i)),
    pods: Array.from({ length: 10 + Math.floor(random() * 25) }, (_, i) => pod(i)),
  }
}
