using System.Numerics;
using Apache.Arrow;

namespace Gristmill.Engines.MLNet;

/// <summary>Numbers as another number type; null is NaN where that exists, else 0.</summary>
internal sealed class NumberReader<TIn, TOut> : ColumnReader<TOut>
    where TIn : unmanaged, INumber<TIn>
    where TOut : unmanaged, INumber<TOut>
{
    private static readonly TOut Missing = typeof(TOut) == typeof(float) ? (TOut)(object)float.NaN
        : typeof(TOut) == typeof(double) ? (TOut)(object)double.NaN
        : TOut.Zero;

    private readonly PinnedValues<TIn> _values = new();

    internal override void Read(int row, ref TOut value) =>
        value = IsNull(row) ? Missing : TOut.CreateSaturating(_values[row]);

    internal override bool LiesIn(Func<nint, int, bool> owns) => _values.LiesIn(owns);

    protected override void BindValues(IArrowArray array) => _values.Bind(array.Data.Buffers[1].Memory, array.Offset, array.Length);

    protected override void Release() => _values.Dispose();
}

/// <summary>Numbers as booleans: true unless 0, null or NaN.</summary>
internal sealed class NumberToBooleanReader<TIn> : ColumnReader<bool>
    where TIn : unmanaged, INumber<TIn>
{
    private readonly PinnedValues<TIn> _values = new();

    internal override void Read(int row, ref bool value) =>
        value = !IsNull(row) && _values[row] is var number && number != TIn.Zero && !TIn.IsNaN(number);

    internal override bool LiesIn(Func<nint, int, bool> owns) => _values.LiesIn(owns);

    protected override void BindValues(IArrowArray array) => _values.Bind(array.Data.Buffers[1].Memory, array.Offset, array.Length);

    protected override void Release() => _values.Dispose();
}

/// <summary>Class indexes 0.. as ML.NET's keys 1..; null and what is no index is the missing key.</summary>
internal sealed class NumberToKeyReader<TIn>(ulong count) : ColumnReader<uint>
    where TIn : unmanaged, INumber<TIn>
{
    private readonly PinnedValues<TIn> _values = new();

    internal override void Read(int row, ref uint value)
    {
        var index = IsNull(row) ? -1 : long.CreateSaturating(_values[row]);
        value = index >= 0 && (ulong)index < count ? (uint)index + 1 : 0;
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => _values.LiesIn(owns);

    protected override void BindValues(IArrowArray array) => _values.Bind(array.Data.Buffers[1].Memory, array.Offset, array.Length);

    protected override void Release() => _values.Dispose();
}

/// <summary>Bit-packed booleans; null is false.</summary>
internal sealed class BooleanReader : ColumnReader<bool>
{
    private readonly PinnedValues<byte> _bits = new();
    private int _offset;

    internal override void Read(int row, ref bool value) => value = !IsNull(row) && Bit(row);

    internal override bool LiesIn(Func<nint, int, bool> owns) => _bits.LiesIn(owns);

    protected override void BindValues(IArrowArray array)
    {
        _offset = array.Offset;
        _bits.Bind(array.Data.Buffers[1].Memory, 0, (array.Offset + array.Length + 7) / 8);
    }

    protected override void Release() => _bits.Dispose();

    private bool Bit(int row) => (_bits[(row + _offset) >> 3] & (1 << ((row + _offset) & 7))) != 0;
}

/// <summary>Booleans as numbers: 1, 0, and NaN for null.</summary>
internal sealed class BooleanToNumberReader<TOut> : ColumnReader<TOut>
    where TOut : unmanaged, INumber<TOut>
{
    private readonly BooleanReader _bits = new();

    internal override void Read(int row, ref TOut value)
    {
        var bit = false;
        _bits.Read(row, ref bit);
        value = IsNull(row) ? TOut.CreateSaturating(double.NaN) : bit ? TOut.One : TOut.Zero;
    }

    internal override bool LiesIn(Func<nint, int, bool> owns) => _bits.LiesIn(owns);

    protected override void BindValues(IArrowArray array) => _bits.Bind(array);

    protected override void Release() => _bits.Dispose();
}

/// <summary>Decimals as 64-bit floats: a conversion, counted.</summary>
internal sealed class DecimalReader<TOut> : ColumnReader<TOut>
    where TOut : unmanaged, INumber<TOut>
{
    private IArrowArray? _array;

    internal override void Read(int row, ref TOut value)
    {
        var number = _array switch
        {
            Decimal128Array a => (double?)a.GetSqlDecimal(row)?.ToDouble(),
            Decimal256Array a => a.GetString(row) is { } text ? double.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null,
            _ => null,
        };
        Copied += sizeof(double);
        value = TOut.CreateSaturating(number ?? double.NaN);
    }

    protected override void BindValues(IArrowArray array) => _array = array;

    protected override void Release() => _array = null;
}
