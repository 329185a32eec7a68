import { invalidValue, rangeText, required } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'

export const longPortalText =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'

/** What volumes of pods and persistent volumes say alike about a target. */
export interface IscsiTarget {
  readonly targetPortal?: string
  readonly iqn?: string
  readonly lun?: number
  readonly chapAuthDiscovery?: boolean
  readonly chapAuthSession?: boolean
  readonly secretRef?: { readonly name?: string }
  readonly initiatorName?: string
}

const shapes = {
  iqn: /iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[A-Za-z0-9]{16}$/,
  naa: /^naa.[A-Za-z0-9]{32}$/,
}

/** `wrongStart` is the text for a name of no known sort. */
const checkName = (faults: Faults, name: string, wrongStart: string, path: string): void => {
  const sort = (['iqn', 'eui', 'naa'] as const).find((start) => name.startsWith(start))
  if (sort === undefined) faults.push(invalidValue(path, name, wrongStart))
  else if (!shapes[sort].test(name)) faults.push(invalidValue(path, name, 'must be valid format'))
}

const startText = 'must be valid format starting with iqn, eui, or naa'

export const iscsiSource = (faults: Faults, source: IscsiTarget, path: string, wrongStart = startText): void => {
  if (!source.targetPortal) faults.push(required(`${path}.targetPortal`))
  if (!source.iqn) faults.push(required(`${path}.iqn`))
  else checkName(faults, source.iqn, wrongStart, `${path}.iqn`)
  const lun = source.lun ?? 0
  if (lun < 0 || lun > 255) faults.push(invalidValue(`${path}.lun`, lun, rangeText(0, 255)))
  if ((source.chapAuthDiscovery || source.chapAuthSession) && source.secretRef === undefined) faults.push(required(`${path}.secretRef`))
  if (source.initiatorName !== undefined) checkName(faults, source.initiatorName, wrongStart, `${path}.initiatorname`)
}
