using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Reflection;
using System.Reflection.Emit;

namespace Gristmill.Worker;

/// <summary>Cuts a method's code into instructions (ECMA-335, partition III).</summary>
internal ref struct IlReader(ReadOnlySpan<byte> code)
{
    private static readonly FrozenDictionary<short, OpCode> OpCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(static field => (OpCode)field.GetValue(null)!).ToFrozenDictionary(static code => code.Value);

    private readonly ReadOnlySpan<byte> _code = code;
    private int _at;

    /// <summary>The instruction that was read.</summary>
    public OpCode OpCode { get; private set; }

    /// <summary>Its operand as it stands in the code.</summary>
    public ReadOnlySpan<byte> Operand { get; private set; }

    /// <summary>The operand as a metadata token.</summary>
    public readonly int Token => BinaryPrimitives.ReadInt32LittleEndian(Operand);

    /// <exception cref="BadImageFormatException">The bytes are no code.</exception>
    public bool Read()
    {
        if (_at >= _code.Length)
        {
            return false;
        }

        short value = _code[_at++];
        if (value == 0xFE && _at < _code.Length)
        {
            value = (short)(0xFE00 | _code[_at++]);
        }

        if (!OpCodes.TryGetValue(value, out var opCode))
        {
            throw new BadImageFormatException($"There is no instruction 0x{value:x}.");
        }

        var length = opCode.OperandType switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch when _at + 4 <= _code.Length => 4 + (4L * BinaryPrimitives.ReadUInt32LittleEndian(_code[_at..])),
            _ => 4,
        };
        if (length > _code.Length - _at)
        {
            throw new BadImageFormatException("The code ends in an instruction.");
        }

        OpCode = opCode;
        Operand = _code.Slice(_at, (int)length);
        _at += (int)length;
        return true;
    }
}
