import {
  cronJob,
  daemonSet,
  deployment,
  horizontalPodAutoscaler,
  job,
  namespace,
  persistentVolume,
  podDisruptionBudget,
  priorityClass,
  type Resource,
  resourceQuota,
  service,
  statefulSet,
  storageClass,
} from '@skiff/api'
import type { Dice } from '@skiff/machinery'
import { apartOf, constraint, important, onFast, withTolerations } from './constraints.ts'

/** An object on its way, with its resource. */
export interface Making {
  readonly resource: Resource
  readonly object: { readonly metadata: { readonly name: string; readonly namespace?: string } }
}

const making = (resource: unknown, name: string, namespaceName: string | undefined, rest: object): Making => ({
  resource: resource as Resource,
  object: { metadata: { name, ...(namespaceName ? { namespace: namespaceName } : {}) }, ...rest },
})

const behaviour = ({ pick, sometimes }: Dice): Record<string, string> => ({
  'simulated.skiff.dev/start-ms': pick(['0', '500', '3000']),
  'simulated.skiff.dev/ready-ms': pick(['0', '1000', '4000']),
  'simulated.skiff.dev/stop-ms': pick(['0', '1000', '8000']),
  ...(sometimes(0.1) ? { 'simulated.skiff.dev/flap-ms': '20000' } : {}),
})

const template = (app: string, annotations: Readonly<Record<string, string>>, spec: object = {}) => ({
  metadata: { labels: { app }, annotations },
  spec: {
    containers: [{ name: 'main', image: 'app:1', resources: { requests: { cpu: '50m', memory: '64Mi' } } }],
    terminationGracePeriodSeconds: 5,
    ...spec,
  },
})

/** How soon pods leave a node that is lost: else each seed would have to last for five minutes more. */
const hasty = ({ pick }: Dice) => {
  const tolerationSeconds = pick([0, 5, 30, 60])
  const on = (key: string) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds })
  return pick([[], [on('not-ready'), on('unreachable')], [on('not-ready'), on('unreachable')]])
}

const steady = ({ 'simulated.skiff.dev/flap-ms': _, ...rest }: Record<string, string>) => rest

const deploymentOf = (name: string, inside: string, dice: Dice, spec = constraint(name, dice)): Making => {
  const { pick, between, sometimes } = dice
  const surge = { maxSurge: pick([1, '25%', 2]), maxUnavailable: pick([0, 1, '25%']) }
  return making(deployment, name, inside, {
    spec: {
      replicas: between(1, 6),
      selector: { matchLabels: { app: name } },
      strategy: sometimes(0.2) ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate: surge },
      revisionHistoryLimit: pick([0, 2, 10]),
      template: template(name, steady(behaviour(dice)), withTolerations(spec, hasty(dice))),
    },
  })
}

const statefulSetOf = (name: string, inside: string, dice: Dice): Making => {
  const { pick, between, sometimes } = dice
  const claim = {
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: pick(['late', 'now']), resources: { requests: { storage: '1Gi' } } },
  }
  return making(statefulSet, name, inside, {
    spec: {
      replicas: between(1, 4),
      serviceName: name,
      podManagementPolicy: pick(['OrderedReady', 'Parallel']),
      ...(sometimes(0.2) ? { ordinals: { start: 3 } } : {}),
      selector: { matchLabels: { app: name } },
      template: template(name, steady(behaviour(dice)), withTolerations(constraint(name, dice), hasty(dice))),
      volumeClaimTemplates: [claim],
    },
  })
}

const jobSpec = (dice: Dice) => {
  const { between, pick, sometimes } = dice
  const completions = between(1, 5)
  return {
    completions,
    parallelism: between(1, 3),
    ...(sometimes(0.4) ? { completionMode: 'Indexed' } : {}),
    backoffLimit: 100,
    ...(sometimes(0.3) ? { podReplacementPolicy: pick(['Failed', 'TerminatingOrFailed']) } : {}),
    template: {
      spec: {
        ...template('', {}, withTolerations(sometimes(0.2) ? onFast : {}, hasty(dice))).spec,
        restartPolicy: pick(['Never', 'OnFailure']),
      },
      metadata: { annotations: { ...steady(behaviour(dice)), 'simulated.skiff.dev/run-ms': pick(['500', '5000', '20000']) } },
    },
  }
}

const cronJobOf = (name: string, inside: string, dice: Dice): Making =>
  making(cronJob, name, inside, {
    spec: {
      schedule: '*/1 * * * *',
      concurrencyPolicy: dice.pick(['Allow', 'Forbid', 'Replace']),
      jobTemplate: { spec: { ...jobSpec(dice), completions: 1, parallelism: 1 } },
    },
  })

const daemonSetOf = (name: string, inside: string, dice: Dice): Making =>
  making(daemonSet, name, inside, {
    spec: {
      selector: { matchLabels: { app: name } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: dice.pick([{ maxUnavailable: 1 }, { maxUnavailable: 0, maxSurge: 1 }]) },
      template: template(name, steady(behaviour(dice)), { priorityClassName: important }),
    },
  })

const serviceOf = (app: string, inside: string): Making =>
  making(service, app, inside, { spec: { selector: { app }, ports: [{ port: 80, targetPort: 8080 }] } })

const budgetOf = (app: string, inside: string, { pick }: Dice): Making =>
  making(podDisruptionBudget, app, inside, {
    spec: { selector: { matchLabels: { app } }, ...pick([{ minAvailable: 1 }, { maxUnavailable: 1 }]) },
  })

const scalerOf = (app: string, inside: string): Making =>
  making(horizontalPodAutoscaler, app, inside, {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: app },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }],
    },
  })

const storage = (): Making[] => [
  making(storageClass, 'late', undefined, { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' }),
  making(storageClass, 'now', undefined, { provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'Immediate' }),
  ...Array.from({ length: 40 }, (_, i) =>
    making(persistentVolume, `v${i}`, undefined, {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: i % 2 === 0 ? 'late' : 'now',
        hostPath: { path: `/v${i}` },
      },
    }),
  ),
]

/** `gone` is deleted on the way. */
export const namespaceNames = ['a', 'b', 'gone']

/** Pods of which a node holds one, so there are never more of them, old and new together, than nodes that may have them. */
const lonersOf = (inside: string, nodes: number, dice: Dice): Making => {
  const { object } = deploymentOf('lone', inside, dice, apartOf('lone', inside, dice)) as unknown as { readonly object: { spec: object } }
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }
  return making(deployment, 'lone', inside, { spec: { ...object.spec, replicas: dice.between(1, nodes), strategy } })
}

/** What the cluster is given at the beginning. `nodes` says how many take any pod. */
export const seededWorkloads = (dice: Dice, nodes: number): Making[] => {
  const { sometimes } = dice
  const all: Making[] = [
    ...storage(),
    making(priorityClass, important, undefined, { value: 1_000 }),
    ...namespaceNames.map((name) => making(namespace, name, undefined, {})),
  ]
  for (const inside of namespaceNames) {
    if (sometimes(0.8)) all.push(deploymentOf('web', inside, dice), serviceOf('web', inside))
    if (sometimes(0.5)) all.push(budgetOf('web', inside, dice))
    if (sometimes(0.2)) all.push(scalerOf('web', inside))
    if (sometimes(0.3)) all.push(deploymentOf('api', inside, dice))
    if (sometimes(0.5)) all.push(statefulSetOf('db', inside, dice), serviceOf('db', inside), budgetOf('db', inside, dice))
    if (sometimes(0.4)) all.push(lonersOf(inside, nodes, dice))
    if (sometimes(0.3)) all.push(daemonSetOf('agent', inside, dice))
    if (sometimes(0.4)) all.push(making(job, 'work', inside, { spec: jobSpec(dice) }))
    if (sometimes(0.3)) all.push(cronJobOf('tick', inside, dice))
  }
  // Last: as upstream, nothing is admitted until a quota's use is counted.
  for (const inside of namespaceNames)
    all.push(making(resourceQuota, 'all', inside, { spec: { hard: { pods: '200', services: '20', 'requests.cpu': '100' } } }))
  return all
}
export const anotherJob = (name: string, inside: string, dice: Dice): Making => making(job, name, inside, { spec: jobSpec(dice) })
