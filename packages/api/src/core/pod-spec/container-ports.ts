import { duplicate, isPortName, required } from '@skiff/machinery'
import { addInvalid, checkOneOf, type Faults } from '../../checks/faults.ts'
import { checkPortNumber, protocols } from '../../checks/ports.ts'
import type { Container, ContainerPort } from '../../generated/types.ts'

export const checkContainerPorts = (faults: Faults, ports: readonly ContainerPort[], path: string): void => {
  const names = new Set<string>()
  ports.forEach((port, index) => {
    const at = `${path}[${index}]`
    if (port.name) checkName(faults, port.name, names, `${at}.name`)
    if (!port.containerPort) faults.push(required(`${at}.containerPort`))
    else checkPortNumber(faults, port.containerPort, `${at}.containerPort`)
    if (port.hostPort) checkPortNumber(faults, port.hostPort, `${at}.hostPort`)
    checkOneOf(faults, port.protocol, protocols, `${at}.protocol`)
  })
}

const checkName = (faults: Faults, name: string, names: Set<string>, path: string): void => {
  const messages = isPortName(name)
  addInvalid(faults, messages, name, path)
  if (messages.length > 0) return
  if (names.has(name)) faults.push(duplicate(path, name))
  names.add(name)
}

/** Two containers that run at once cannot have one port of the host. */
export const checkHostPorts = (faults: Faults, containers: readonly Container[], path: string): void => {
  const taken = new Set<string>()
  containers.forEach((container, at) => {
    container.ports?.forEach((port, index) => {
      if (!port.hostPort) return
      const key = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort}`
      if (taken.has(key)) faults.push(duplicate(`${path}[${at}].ports[${index}].hostPort`, key))
      taken.add(key)
    })
  })
}
