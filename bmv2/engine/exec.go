package engine

// control runs a pipeline's code from its first node.
func (p *packet) control(n *node) {
	if n == nil {
		return
	}
	version := p.version()
	p.exec(&p.sw.prog.code[version], version, n.pc[version])
}

// version is that of the code to run.
func (p *packet) version() int {
	if p.sw.trace != nil {
		return traced
	}
	return plain
}

// exec runs code. Instructions that call something are apart from the others, of
// which there are more: the compiler then keeps everything in registers for these.
func (p *packet) exec(c *code, version int, pc uint32) {
	phv, ins := p.phv, c.ins
	after := uint32(end) // what follows the action that is being run
	for {
		var in *instr
	simple:
		for {
			in = &ins[pc]
			pc++
			switch in.op {
			case opMove:
				phv[in.d] = phv[in.a] & in.k
			case opMoves:
				run := ins[pc : pc+in.b]
				phv[in.d] = phv[in.a] & in.k
				for i := range run {
					m := &run[i]
					phv[m.d] = phv[m.a] & m.k
				}
				pc += in.b
			case opAdd:
				phv[in.d] = (phv[in.a] + phv[in.b]) & in.k
			case opSub:
				phv[in.d] = (phv[in.a] - phv[in.b]) & in.k
			case opMul:
				phv[in.d] = phv[in.a] * phv[in.b] & in.k
			case opAnd:
				phv[in.d] = phv[in.a] & phv[in.b] & in.k
			case opOr:
				phv[in.d] = (phv[in.a] | phv[in.b]) & in.k
			case opXor:
				phv[in.d] = (phv[in.a] ^ phv[in.b]) & in.k
			case opShl:
				phv[in.d] = phv[in.a] << phv[in.b] & in.k
			case opShr:
				phv[in.d] = phv[in.a] >> phv[in.b] & in.k
			case opNot:
				phv[in.d] = ^phv[in.a] & in.k
			case opJump:
				pc = in.d
			case opIf:
				if phv[in.a] != 0 {
					pc = in.d
				}
			case opUnless:
				if phv[in.a] == 0 {
					pc = in.d
				}
			case opIfEq:
				if phv[in.a] == in.k {
					pc = in.d
				}
			case opIfNe:
				if phv[in.a] != in.k {
					pc = in.d
				}
			case opIfLt:
				if phv[in.a] < in.k {
					pc = in.d
				}
			case opIfGe:
				if phv[in.a] >= in.k {
					pc = in.d
				}
			case opIfSame:
				if phv[in.a] == phv[in.b] {
					pc = in.d
				}
			case opIfDiff:
				if phv[in.a] != phv[in.b] {
					pc = in.d
				}
			case opIfLess:
				if phv[in.a] < phv[in.b] {
					pc = in.d
				}
			case opIfNotLess:
				if phv[in.a] >= phv[in.b] {
					pc = in.d
				}
			default:
				break simple
			}
		}
		switch in.op {
		case opTable:
			r, start, then := p.sw.tables[in.a].apply(p, version)
			if pc = then; start != end {
				at := int(p.sw.prog.args)
				for i, v := range r.arguments() {
					phv[at+i] = v
				}
				after, pc = then, start
			}
		case opReturn:
			pc, after = after, end
		case opEnd:
			return
		case opExit:
			if p.exit {
				return
			}
		case opLoop:
			if p.steps++; p.steps > maxSteps {
				return
			}

		case opEval:
			phv[in.d] = c.evals[in.a](p) & in.k
		case opIfTest:
			if c.tests[in.a](p) {
				pc = in.d
			}
		case opIfNotTest:
			if !c.tests[in.a](p) {
				pc = in.d
			}

		case opCount:
			p.count(in.a, phv[in.b])
		case opRead:
			phv[in.d] = p.readRegister(in.a, phv[in.b], phv[in.d]) & in.k
		case opWrite:
			p.writeRegister(in.a, phv[in.b], phv[in.d]&in.k)
		case opHash:
			phv[in.d] = p.sw.calculateFrom(c.calcs[in.b], int(in.a), p) & in.k
		case opValid:
			p.addHeader(&p.sw.prog.headers[in.a])
		case opInvalid:
			p.removeHeader(&p.sw.prog.headers[in.a])
		case opCopy:
			copyHeader(phv, &p.sw.prog.headers[in.d], &p.sw.prog.headers[in.a])
		case opArgs:
			copy(phv[p.sw.prog.args:], c.args[in.a])
		case opStep:
			c.steps[in.a](p)

		case opExtract:
			if !p.extract(&p.sw.prog.headers[in.a]) {
				p.fail(int64(in.k))
				return
			}
		case opParse:
			if code := c.parses[in.a](p); code != accept {
				p.fail(code)
				return
			}
		case opFail:
			p.fail(int64(in.k))
			return
		case opVisit:
			if p.visits++; p.visits >= maxStates {
				p.fail(int64(in.k))
				return
			}
		case opSelect:
			next, ok := c.selects[in.a].choose(p)
			switch {
			case !ok:
				p.fail(int64(in.k))
				return
			case next == nil:
				return
			}
			pc = next.pc[version]
		default:
			panic("BUG: an instruction of unknown kind")
		}
	}
}

// count counts a packet in a cell of a counter array.
func (p *packet) count(c uint32, i uint64) {
	cells := p.sw.counters[c]
	if i >= uint64(len(cells)) {
		p.sw.stats.IndexErrors++
		return
	}
	cells[i].Packets++
	cells[i].Bytes += uint64(p.length)
}

// readRegister reads a cell of an array of up to 64 bits; one that is not there
// leaves what was.
func (p *packet) readRegister(r uint32, i, was uint64) uint64 {
	cells := p.sw.registers[r].cells
	if i >= uint64(len(cells)) {
		p.sw.stats.IndexErrors++
		return was
	}
	return cells[i]
}

func (p *packet) writeRegister(r uint32, i, v uint64) {
	cells := p.sw.registers[r].cells
	if i >= uint64(len(cells)) {
		p.sw.stats.IndexErrors++
		return
	}
	cells[i] = v
}
