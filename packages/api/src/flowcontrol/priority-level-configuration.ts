import { forbiddenField, invalidValue, notSupported, quoted, required } from '@skiff/machinery'
import { collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goPointer, goStruct } from '../checks/go-syntax.ts'
import { inField, withDefaults } from '../defaults/patch.ts'
import { priorityLevelConfiguration as resource } from '../generated/resources.ts'
import type { LimitResponse, PriorityLevelConfiguration, PriorityLevelConfigurationSpec, QueuingConfiguration } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { withOldMetadata } from '../prepare.ts'
import { checkFlowConditions } from './conditions.ts'

const mostQueues = 10_000_000
const mostEntropy = 60
const queuingDefaults = { queues: 64, handSize: 8, queueLengthLimit: 50 }

/** What the server relies on; the exempt level's own numbers may be changed. */
const mandatoryCatchAll: PriorityLevelConfigurationSpec = {
  type: 'Limited',
  limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 },
}

const checkSpec = (faults: Faults, spec: PriorityLevelConfigurationSpec, name: string): void => {
  const { type = '', limited, exempt } = spec
  if ((name === 'exempt') !== (type === 'Exempt'))
    faults.push(invalidValue('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'"))
  if (type === 'Exempt') {
    if (limited) faults.push(forbiddenField('spec.limited', 'must be nil if the type is not Limited'))
    if (exempt) checkShares(faults, exempt, 'spec.exempt')
  } else if (type === 'Limited') {
    if (exempt) faults.push(forbiddenField('spec.exempt', 'must be nil if the type is Limited'))
    if (!limited) faults.push(required('spec.limited', 'must not be empty when type is Limited'))
    else {
      checkShares(faults, limited, 'spec.limited')
      const borrowed = limited.borrowingLimitPercent
      if (borrowed !== undefined && borrowed < 0)
        faults.push(invalidValue('spec.limited.borrowingLimitPercent', borrowed, 'if specified, must be a non-negative integer'))
      checkResponse(faults, limited.limitResponse ?? { type: '' })
    }
  } else faults.push(notSupported('spec.type', type, ['Exempt', 'Limited']))
  checkFixed(faults, spec, name)
}

const checkFixed = (faults: Faults, spec: PriorityLevelConfigurationSpec, name: string): void => {
  const shown = goStruct('flowcontrol.PriorityLevelConfigurationSpec', {
    Type: quoted(spec.type ?? ''),
    Limited: goPointer('flowcontrol.LimitedPriorityLevelConfiguration', spec.limited),
    Exempt: goPointer('flowcontrol.ExemptPriorityLevelConfiguration', spec.exempt),
  })
  if (name === 'catch-all' && !same(spec, mandatoryCatchAll))
    faults.push(invalidShown('spec', shown, "spec of 'catch-all' must equal the fixed value"))
  if (name === 'exempt' && (spec.type !== 'Exempt' || spec.limited))
    faults.push(invalidShown('spec', shown, "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"))
}

interface Shares {
  readonly nominalConcurrencyShares?: number
  readonly lendablePercent?: number
}

const checkShares = (faults: Faults, { nominalConcurrencyShares: shares, lendablePercent: lent }: Shares, path: string): void => {
  if (shares !== undefined && shares < 0)
    faults.push(invalidValue(`${path}.nominalConcurrencyShares`, shares, 'must be a non-negative integer'))
  if (lent !== undefined && (lent < 0 || lent > 100))
    faults.push(invalidValue(`${path}.lendablePercent`, lent, 'must be between 0 and 100, inclusive'))
}

const checkResponse = (faults: Faults, { type = '', queuing }: LimitResponse): void => {
  const path = 'spec.limited.limitResponse'
  if (type === 'Reject') {
    if (queuing) faults.push(forbiddenField(`${path}.queuing`, 'must be nil if limited.limitResponse.type is not Limited'))
  } else if (type === 'Queue') {
    if (queuing) checkQueuing(faults, queuing, `${path}.queuing`)
    else faults.push(required(`${path}.queuing`, 'must not be empty if limited.limitResponse.type is Limited'))
  } else faults.push(notSupported(`${path}.type`, type, ['Queue', 'Reject']))
}

const checkQueuing = (faults: Faults, queuing: QueuingConfiguration, path: string): void => {
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing
  if (queueLengthLimit <= 0) faults.push(invalidValue(`${path}.queueLengthLimit`, queueLengthLimit, 'must be positive'))
  if (queues <= 0) faults.push(invalidValue(`${path}.queues`, queues, 'must be positive'))
  else if (queues > mostQueues) faults.push(invalidValue(`${path}.queues`, queues, `must not be greater than ${mostQueues}`))
  if (handSize <= 0) faults.push(invalidValue(`${path}.handSize`, handSize, 'must be positive'))
  else if (handSize > queues) faults.push(invalidValue(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`))
  else if (Math.ceil(Math.log2(queues) * handSize) > mostEntropy) {
    const detail = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${mostEntropy}`
    faults.push(invalidValue(`${path}.handSize`, handSize, detail))
  }
}

const withQueuing = (object: PriorityLevelConfiguration): PriorityLevelConfiguration =>
  inField(object, 'spec', (spec) =>
    inField(spec, 'limited', (limited) =>
      inField(limited, 'limitResponse', (response) => inField(response, 'queuing', (queuing) => withDefaults(queuing, queuingDefaults))),
    ),
  )

export const priorityLevelConfiguration = defineKind<PriorityLevelConfiguration>(resource, {
  default: withQueuing,
  validate: (next) =>
    collect((faults) => {
      checkSpec(faults, next.spec, next.metadata.name ?? '')
      checkFlowConditions(faults, next.status?.conditions)
    }),
  ignoredFields: { status: ['spec', 'metadata'] },
  subresources: {
    status: {
      prepareForUpdate: (next, old) => withOldMetadata({ ...next, spec: old.spec }, old),
      validateUpdate: (next) => collect((faults) => checkFlowConditions(faults, next.status?.conditions)),
    },
  },
})
