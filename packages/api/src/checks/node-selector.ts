import { forbiddenField, invalidValue, isLabelValue, nameIsDnsSubdomain, required } from '@skiff/machinery'
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../generated/types.ts'
import { addInvalid, type Faults } from './faults.ts'
import { checkLabelName } from './label-selector.ts'

export const checkNodeSelector = (faults: Faults, selector: NodeSelector, path: string): void => {
  const terms = selector.nodeSelectorTerms ?? []
  const at = `${path}.nodeSelectorTerms`
  if (terms.length === 0) faults.push(required(at, 'must have at least one node selector term'))
  terms.forEach((term, index) => {
    checkNodeSelectorTerm(faults, term, true, `${at}[${index}]`)
  })
}

/** Values are checked where the term is required only. */
export const checkNodeSelectorTerm = (faults: Faults, term: NodeSelectorTerm, strictValues: boolean, path: string): void => {
  term.matchExpressions?.forEach((each, index) => {
    checkExpression(faults, each, strictValues, `${path}.matchExpressions[${index}]`)
  })
  term.matchFields?.forEach((each, index) => {
    checkField(faults, each, `${path}.matchFields[${index}]`)
  })
}

const checkExpression = (faults: Faults, requirement: NodeSelectorRequirement, strictValues: boolean, path: string): void => {
  const { key = '', operator = '' as string, values = [] } = requirement
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) faults.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        faults.push(forbiddenField(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) faults.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      break
    default:
      faults.push(invalidValue(`${path}.operator`, operator, 'not a valid selector operator'))
  }
  checkLabelName(faults, key, `${path}.key`)
  if (!strictValues) return
  values.forEach((value, index) => {
    addInvalid(faults, isLabelValue(value), value, `${path}.values[${index}]`)
  })
}

const checkField = (faults: Faults, { key = '', operator, values = [] }: NodeSelectorRequirement, path: string): void => {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1)
      faults.push(required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
  } else faults.push(invalidValue(`${path}.operator`, operator ?? '', 'not a valid selector operator'))
  if (key !== 'metadata.name') {
    faults.push(invalidValue(`${path}.key`, key, 'not a valid field selector key'))
    return
  }
  values.forEach((value, index) => {
    addInvalid(faults, nameIsDnsSubdomain(value, false), value, `${path}.values[${index}]`)
  })
}
