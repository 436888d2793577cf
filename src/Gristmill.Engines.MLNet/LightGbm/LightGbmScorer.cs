using System.Buffers;
using System.Globalization;

namespace Gristmill.Engines.MLNet;

/// <summary>Scores rows with loaded trees, from many threads at once; a call on warm buffers allocates nothing.</summary>
internal sealed class LightGbmScorer : IDisposable
{
    /// <summary>A call for several rows costs about as much to start as so many single rows.</summary>
    private const int BatchFrom = 12;

    private readonly LightGbmBooster _booster;
    private readonly LightGbmFastConfigHandle?[] _configs = new LightGbmFastConfigHandle?[Math.Max(8, 2 * Environment.ProcessorCount)];
    private readonly int _threads;
    private volatile bool _disposed;

    /// <summary>Loads a model's text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Features a row, which the model must take.</param>
    /// <param name="scoresPerRow">Scores a row, which the model must give.</param>
    /// <param name="threads">Threads a call for many rows may use.</param>
    internal LightGbmScorer(string path, int width, int scoresPerRow, int threads)
    {
        _threads = threads;
        Width = width;
        ScoresPerRow = scoresPerRow;
        _booster = LightGbmBooster.Load(path);
        try
        {
            if (_booster.Width != width || _booster.Outputs != scoresPerRow)
            {
                throw new GristmillException(ErrorCodes.ModelFormat,
                    $"The trees take {_booster.Width} features and give {_booster.Outputs} scores, the package says {width} and {scoresPerRow}.",
                    "Train the model again.");
            }

            // The first use of a model builds its tables; do it now, not in a request.
            Return(NewConfig());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal int Width { get; }

    internal int ScoresPerRow { get; }

    /// <summary>Scores rows x Width features into rows x ScoresPerRow scores.</summary>
    internal void Score(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(features.Length, checked(rows * Width), nameof(features));
        ArgumentOutOfRangeException.ThrowIfLessThan(scores.Length, checked(rows * ScoresPerRow), nameof(scores));
        if (rows < BatchFrom)
        {
            ScoreRows(features, rows, scores);
            return;
        }

        var buffer = ArrayPool<double>.Shared.Rent(rows * ScoresPerRow);
        try
        {
            var results = buffer.AsSpan(0, rows * ScoresPerRow);
            using (var held = LightGbmThreads.Enter(_threads))
            {
                _booster.Predict(features, rows, Width, Parameters(held.Threads), results);
            }


            Narrow(results, scores);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(buffer);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        for (var i = 0; i < _configs.Length; i++)
        {
            Interlocked.Exchange(ref _configs[i], null)?.Dispose();
        }

        _booster.Dispose();
    }

    private void ScoreRows(ReadOnlySpan<float> features, int rows, Span<float> scores)
    {
        double[]? rented = null;
        var results = ScoresPerRow <= 64 ? stackalloc double[64] : (rented = ArrayPool<double>.Shared.Rent(ScoresPerRow));
        results = results[..ScoresPerRow];
        var config = Rent();
        try
        {
            for (var i = 0; i < rows; i++)
            {
                LightGbmBooster.PredictRow(config, features.Slice(i * Width, Width), results);
                Narrow(results, scores.Slice(i * ScoresPerRow, ScoresPerRow));
            }
        }
        finally
        {
            Return(config);
            if (rented is not null)
            {
                ArrayPool<double>.Shared.Return(rented);
            }
        }
    }

    /// <summary>The buffers of a config serve one thread at a time: a processor's own slot is nearly always free.</summary>
    private LightGbmFastConfigHandle Rent()
    {
        var slot = Thread.GetCurrentProcessorId() % _configs.Length;
        return Interlocked.Exchange(ref _configs[slot], null)
            ?? Interlocked.Exchange(ref _configs[0], null)
            ?? NewConfig();
    }

    private LightGbmFastConfigHandle NewConfig()
    {
        using var held = LightGbmThreads.Enter(_threads);
        return _booster.FastConfig(Width, Parameters(held.Threads));
    }

    private static string Parameters(int threads) => string.Create(CultureInfo.InvariantCulture, $"num_threads={threads} verbosity=-1");

    private void Return(LightGbmFastConfigHandle config)
    {
        var slot = Thread.GetCurrentProcessorId() % _configs.Length;
        Interlocked.Exchange(ref _configs[slot], config)?.Dispose();
        if (_disposed)
        {
            Interlocked.Exchange(ref _configs[slot], null)?.Dispose();
        }
    }

    private static void Narrow(ReadOnlySpan<double> from, Span<float> to)
    {
        for (var i = 0; i < from.Length; i++)
        {
            to[i] = (float)from[i];
        }
    }
}
