import { type FlowSchema, flowSchema } from '@skiff/api'
import type { Client } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'

/** The condition Dangling as it ought to be; undefined where the schema has it already. */
const wantedCondition = ({ spec, status }: FlowSchema, exists: boolean, now: number): object | undefined => {
  const level = spec.priorityLevelConfiguration.name ?? ''
  const wanted = {
    type: 'Dangling',
    status: exists ? 'False' : 'True',
    reason: exists ? 'Found' : 'NotFound',
    message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} ${exists ? 'and it exists' : 'but there is no such object'}`,
  }
  const held = status?.conditions?.find(({ type }) => type === 'Dangling')
  if (held?.status === wanted.status && held.reason === wanted.reason && held.message === wanted.message) return undefined
  const since = held?.status === wanted.status ? held.lastTransitionTime : undefined
  return { ...wanted, lastTransitionTime: since ?? rfc3339(now) }
}

/** Writes the condition of every schema where it is not as it ought to be. */
export const writeDangling = async (
  client: Client,
  schemas: readonly FlowSchema[],
  exists: (level: string) => boolean,
  now: number,
): Promise<void> => {
  for (const schema of schemas) {
    const condition = wantedCondition(schema, exists(schema.spec.priorityLevelConfiguration.name ?? ''), now)
    if (!condition) continue
    const { name } = schema.metadata
    await client.patch(
      flowSchema,
      { name, subresource: 'status' },
      'apply',
      {
        apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
        kind: 'FlowSchema',
        metadata: { name },
        status: { conditions: [condition] },
      },
      { query: { fieldManager: 'api-priority-and-fairness-config-consumer-v1', force: 'true' } },
    )
  }
}
