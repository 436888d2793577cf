using Apache.Arrow;
using Apache.Arrow.Types;
using Gristmill.Objects;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Gristmill.Engines.MLNet;

/// <summary>One column of a view: its ML.NET type, and readers of it.</summary>
internal sealed class ArrowColumn
{
    private readonly string _name;
    private readonly IArrowType _from;
    private readonly DictionaryValues? _dictionary;

    internal ArrowColumn(string name, int index, IArrowType from, IReadOnlyList<IArrowArray> arrays, DataViewType? asked)
    {
        _name = name;
        Index = index;
        _from = from;
        if (from is DictionaryType { ValueType: StringType or LargeStringType or StringViewType })
        {
            _dictionary = new DictionaryValues();
            foreach (var array in arrays)
            {
                _dictionary.Add(((DictionaryArray)array).Dictionary);
            }

            CopyCounter.Add("mlnet", _dictionary.Copied);
        }

        Type = asked ?? ReaderFactory.NaturalType(name, from, arrays.Any(a => a.NullCount > 0), _dictionary);

        // Refuse here what cannot be read, not in the middle of training.
        Reader().Dispose();
    }

    internal int Index { get; }

    internal DataViewType Type { get; }

    internal ColumnReader Reader() => ReaderFactory.Create(_name, _from, Type, _dictionary);

    internal DataViewSchema.Annotations? Annotations()
    {
        if (_dictionary is null || Type is not KeyDataViewType)
        {
            return null;
        }

        ReadOnlyMemory<char>[] values = [.. _dictionary.Values.Select(v => v.AsMemory())];
        if (values.Length == 0)
        {
            values = [default];
        }

        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add("KeyValues", new VectorDataViewType(TextDataViewType.Instance, values.Length),
            (ref VBuffer<ReadOnlyMemory<char>> value) => value = new VBuffer<ReadOnlyMemory<char>>(values.Length, [.. values]));
        return builder.ToAnnotations();
    }
}
