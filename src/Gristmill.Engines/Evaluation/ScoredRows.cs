using System.Buffers;
using Gristmill.Engines.Features;

namespace Gristmill.Engines;

/// <summary>
/// Scores each distinct feature row of a table once. Tables of few values a column hold the same row many times (a flight that leaves each
/// Monday at five), and a model that scores row by row gives it the same score each time. Safe for many threads.
/// </summary>
/// <param name="predictor">A model whose <see cref="IMatrixPredictor.ScoresRowsAlone"/> holds.</param>
/// <param name="total">Rows of the table.</param>
internal sealed class ScoredRows(IMatrixPredictor predictor, long total)
{
    /// <summary>Below so many rows there is little to spare.</summary>
    public const int Worthwhile = 64 * 1024;

    private readonly object _gate = new();
    private readonly int _width = predictor.Encoder.Width;
    private readonly int _perRow = predictor.ScoresPerRow;
    private readonly DistinctRows _rows = new(predictor.Encoder.Width);
    private float[] _scores = [];
    private State[] _states = [];
    private long _seen;
    private bool _rare;

    private enum State : byte
    {
        /// <summary>A call is scoring it.</summary>
        Asked = 0,
        Known = 1,
        Failed = 2,
    }

    /// <summary>Scores rows x width features into rows x ScoresPerRow scores.</summary>
    public void Score(ReadOnlySpan<float> features, int count, Span<float> target)
    {
        if (Volatile.Read(ref _rare))
        {
            predictor.Score(features, count, target);
            return;
        }

        var numbers = ArrayPool<int>.Shared.Rent(count);
        var hashes = ArrayPool<ulong>.Shared.Rent(count);
        try
        {
            // Before the lock under which callers wait for each other.
            for (var i = 0; i < count; i++)
            {
                hashes[i] = DistinctRows.Hash(features.Slice(i * _width, _width));
            }

            if (Look(features, hashes, numbers.AsSpan(0, count), out var first, out var fresh))
            {
                // First what only this call will score, so that calls that wait for each other's rows get on.
                Ask(fresh.Span, first);
                Collect(features, numbers.AsSpan(0, count), target);
            }
            else
            {
                predictor.Score(features, count, target);
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(numbers);
            ArrayPool<ulong>.Shared.Return(hashes);
        }
    }

    /// <summary>Gives each row its number, -1 where there is no room. New rows, from number <paramref name="first"/> on, are this call's to score.</summary>
    private bool Look(ReadOnlySpan<float> features, ReadOnlySpan<ulong> hashes, Span<int> numbers, out int first, out ReadOnlyMemory<float> fresh)
    {
        lock (_gate)
        {
            first = _rows.Count;
            fresh = default;
            _rare = _rare || DistinctRows.AreRare(_rows.Count, Math.Max(1, _seen), total);
            _seen += numbers.Length;
            if (_rare)
            {
                return false;
            }

            for (var i = 0; i < numbers.Length; i++)
            {
                numbers[i] = _rows.FindOrAdd(features.Slice(i * _width, _width), hashes[i]);
            }

            fresh = _rows.Rows[(first * _width)..];
            if (_states.Length < _rows.Count)
            {
                var capacity = Math.Max(_rows.Count, 2 * _states.Length);
                System.Array.Resize(ref _states, capacity);
                System.Array.Resize(ref _scores, capacity * _perRow);
            }

            return true;
        }
    }

    private void Ask(ReadOnlySpan<float> fresh, int first)
    {
        var count = fresh.Length / _width;
        if (count == 0)
        {
            return;
        }

        var scores = ArrayPool<float>.Shared.Rent(count * _perRow);
        var state = State.Failed;
        try
        {
            predictor.Score(fresh, count, scores.AsSpan(0, count * _perRow));
            state = State.Known;
        }
        finally
        {
            lock (_gate)
            {
                scores.AsSpan(0, count * _perRow).CopyTo(_scores.AsSpan(first * _perRow));
                _states.AsSpan(first, count).Fill(state);
                Monitor.PulseAll(_gate);
            }

            ArrayPool<float>.Shared.Return(scores);
        }
    }

    private void Collect(ReadOnlySpan<float> features, Span<int> numbers, Span<float> target)
    {
        var missing = 0;
        lock (_gate)
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                var number = numbers[i];
                while (number >= 0 && _states[number] == State.Asked)
                {
                    Monitor.Wait(_gate);
                }

                if (number >= 0 && _states[number] == State.Known)
                {
                    _scores.AsSpan(number * _perRow, _perRow).CopyTo(target[(i * _perRow)..]);
                }
                else
                {
                    numbers[missing++] = i;
                }
            }
        }

        // No room, or the call that was to score it failed.
        Score(features, numbers[..missing], target);
    }

    private void Score(ReadOnlySpan<float> features, ReadOnlySpan<int> rows, Span<float> target)
    {
        if (rows.IsEmpty)
        {
            return;
        }

        var buffer = ArrayPool<float>.Shared.Rent(rows.Length * (_width + _perRow));
        try
        {
            var gathered = buffer.AsSpan(0, rows.Length * _width);
            var scores = buffer.AsSpan(gathered.Length, rows.Length * _perRow);
            for (var i = 0; i < rows.Length; i++)
            {
                features.Slice(rows[i] * _width, _width).CopyTo(gathered[(i * _width)..]);
            }

            predictor.Score(gathered, rows.Length, scores);
            for (var i = 0; i < rows.Length; i++)
            {
                scores.Slice(i * _perRow, _perRow).CopyTo(target[(rows[i] * _perRow)..]);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }
}
