"""Programs that say what each device does are compiled as they are: the compiler need not part them.

`jax.shard_map` wraps what a device computes, and hands it to XLA's partitioner for programs that say only what all
devices compute together. That copies each function for each of its calls and finds nothing to do otherwise, in a tenth
to an eighth of the compilation of a network of convolutions. Here the wrapper is taken off before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.mlir import ir

from . import devices

WRAPPER = "sdy.manual_computation"
PARTITIONER = "shardy-xla,spmd-partitioning"
MARK = "_devicewise"  # at the end of a program's name: JAX gives the same one again where it lowers the same again


def jit(run: Callable[..., Any], mesh: jax.sharding.Mesh, given: Any, found: Any) -> Any:
    """`jax.jit` of what each device of a mesh computes, the first argument donated.

    Args:
        run: Of one device: takes and returns its parts.
        mesh: The devices.
        given: Specification of how the arguments are split among them, as `jax.shard_map` takes it.
        found: And what comes out.
    """
    each = jax.shard_map(run, mesh=mesh, in_specs=given, out_specs=found, check_vma=False)
    # Said outright, as XLA is not asked where the partitioner does not run.
    given, found = devices.shardings(mesh, (given, found))
    return jax.jit(each, donate_argnums=0, in_shardings=given, out_shardings=found)


def compiled(lowered: jax.stages.Lowered, options: dict[str, Any] | None) -> jax.stages.Compiled:
    """A program of `jit`, lowered, compiled without the partitioner where its wrapper goes off; any other as usual.

    Args:
        lowered: The program.
        options: Of the compiler.

    >>> from jax.sharding import PartitionSpec as P
    >>> devices.start()
    >>> total = jit(lambda a: jax.lax.psum(a, "rows"), devices.mesh(1), P("rows"), P())
    >>> lowered = total.lower(jax.numpy.ones(2))
    >>> compiled(lowered, None)(jax.numpy.ones(2))
    Array([1., 1.], dtype=float32)
    """
    if not unwrapped(lowered):
        return lowered.compile(options)
    disabled = (options or {}).get("xla_disable_hlo_passes")
    passes = f"{disabled},{PARTITIONER}" if disabled else PARTITIONER
    return lowered.compile({**(options or {}), "xla_disable_hlo_passes": passes})


def unwrapped(lowered: jax.stages.Lowered) -> bool:
    """Take the wrapper off a lowered program, in place; whether it is off.

    What the program takes and returns then has the shapes that one device holds.
    """
    module: Any = lowered.compiler_ir("stablehlo")
    name = ir.StringAttr(module.operation.attributes["sym_name"]).value
    if name.endswith(MARK):
        return True
    main = next((op for op in module.body.operations if _is_main(op)), None)
    if main is None:
        return False
    outside = [op.operation for op in main.entry_block.operations if op.operation.name != "stablehlo.constant"]
    if [op.name for op in outside] != [WRAPPER, "func.return"]:  # what else is outside would have to be parted
        return False
    if _mentions(module) != {WRAPPER, "sdy.return", "sdy.mesh"}:
        return False
    wrapper = outside[0]
    (inside,) = wrapper.regions[0].blocks
    *body, back = (op.operation for op in inside.operations)
    given = list(zip(wrapper.operands, inside.arguments, strict=True))
    if not all(outer.type == own.type or _only_enters(outer) for outer, own in given):
        return False
    for op in body:
        op.move_before(wrapper)
    for outer, own in given:
        outer.set_type(own.type)
        own.replace_all_uses_with(outer)
    for outer, own in zip(wrapper.results, back.operands, strict=True):
        outer.replace_all_uses_with(own)
    wrapper.erase()
    _declare(main)
    with module.context:
        module.operation.attributes["sym_name"] = ir.StringAttr.get(name + MARK)
    return True


def _is_main(op: Any) -> bool:
    return op.operation.name == "func.func" and op.name.value == "main"


def _mentions(module: Any) -> set[str]:
    """Operations about devices anywhere in a module."""
    found = set()

    def look(op: Any) -> Any:
        if op.name.startswith("sdy."):
            found.add(op.name)
        return ir.WalkResult.ADVANCE

    module.operation.walk(look)
    return found


def _only_enters(value: Any) -> bool:
    """Whether what the wrapper takes is an argument of the program, and nothing else's, so that it may change its
    shape. (What comes out of it can only be returned.)"""
    return isinstance(value.owner, ir.Block) and len(list(value.uses)) == 1


def _declare(main: Any) -> None:
    """The function's type after its values', and nothing said of devices."""
    block = main.entry_block
    *_, end = block.operations
    with main.operation.context:
        kind = ir.FunctionType.get([a.type for a in block.arguments], [v.type for v in end.operation.operands])
        main.attributes["function_type"] = ir.TypeAttr.get(kind)
        for name in ("arg_attrs", "res_attrs"):
            if name in main.attributes:
                each = [{a.name: a.attr for a in own if not a.name.startswith("sdy.")} for own in main.attributes[name]]
                main.attributes[name] = ir.ArrayAttr.get([ir.DictAttr.get(own) for own in each])
