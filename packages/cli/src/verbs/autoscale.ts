import type { JsonObject } from '@skiff/machinery'
import type { Dynamic } from '../objects/fields.ts'
import { fileFlags, selectObjects } from '../objects/select.ts'
import { dryRunOf, report, writeFlags, writeQuery } from '../objects/writing.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { placeGenerated } from './create.ts'

export const autoscale: Verb = {
  usage: '(-f FILENAME | TYPE NAME | TYPE/NAME) [--min=MINPODS] --max=MAXPODS [--cpu-percent=CPU]',
  flags: [...fileFlags, ...writeFlags, 'min:int=-1', 'max:int=-1', 'cpu-percent:int=-1', 'name:string'],
  required: ['max'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const [min, max, cpu] = [flags.int('min') ?? -1, flags.int('max') ?? -1, flags.int('cpu-percent') ?? -1]
    if (max < 1) throw new UsageError(`--max=MAXPODS is required and must be at least 1, max: ${max}`)
    if (max < min) throw new UsageError(`--max=MAXPODS must be larger or equal to --min=MINPODS, max: ${max}, min: ${min}`)
    const { client } = await session.connect()
    for (const info of await selectObjects(session, { flags, words: args })) {
      if (!info.resource.subresources.includes('scale'))
        throw new UsageError(
          `cannot autoscale a ${info.resource.kind}: could not find scale subresource for ${info.resource.group}/${info.resource.version}, Resource=${info.resource.plural} in discovery information`,
        )
      const object = {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: flags.text('name') || info.name },
        spec: {
          maxReplicas: max,
          ...(cpu >= 0
            ? { metrics: [{ resource: { name: 'cpu', target: { averageUtilization: cpu, type: 'Utilization' } }, type: 'Resource' }] }
            : {}),
          ...(min > 0 ? { minReplicas: min } : {}),
          scaleTargetRef: { apiVersion: info.resource.apiVersion, kind: info.resource.kind, name: info.name },
        },
        status: { currentMetrics: null, desiredReplicas: 0 },
      } as unknown as JsonObject
      const made = await placeGenerated(invocation, object)
      const sent =
        dryRunOf(flags) === 'client'
          ? made.object
          : await client.create(
              made.resource,
              made.object as Dynamic,
              { namespace: info.namespace },
              { query: writeQuery(flags, 'kubectl-autoscale') },
            )
      report(session, flags, made, sent as Dynamic, 'autoscaled')
    }
    return 0
  },
}
