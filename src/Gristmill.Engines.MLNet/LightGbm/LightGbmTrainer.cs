using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Gristmill.Engines.MLNet;

/// <summary>Grows trees over row-major matrices where they lie.</summary>
internal sealed class LightGbmTrainer : IDisposable
{
    // LightGBM's defaults: rows a group of categories must hold, and rows below which a category stands in no split.
    private const int MinDataPerGroup = 100;
    private const int CategorySmoothing = 10;

    private readonly LightGbmOptions _options;
    private readonly ImmutableArray<EncodedFeature> _features;
    private readonly Action<string> _log;
    private readonly string _parameters;
    private LightGbmThreads.Scope? _threads;

    /// <param name="options">The options, validated.</param>
    /// <param name="task">What to predict.</param>
    /// <param name="classes">Number of classes of a multiclass task.</param>
    /// <param name="features">The features, in the order of the matrix.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="share">Rows of the matrix a row of the table, 1 unless equal rows were merged.</param>
    /// <param name="log">Receives LightGBM's own lines, or null.</param>
    internal LightGbmTrainer(
        LightGbmOptions options, ModelTask task, int classes, ImmutableArray<EncodedFeature> features, int threads, double share = 1, Action<string>? log = null)
    {
        _options = options;
        _features = features;
        _log = log ?? (_ => { });
        Metrics = task switch
        {
            ModelTask.Binary => ["binary_logloss", "auc"],
            ModelTask.Multiclass => ["multi_logloss", "multi_error"],
            _ => ["rmse", "l1"],
        };
        _threads = LightGbmThreads.Enter(threads);
        _parameters = Compose(options, task, classes, features, _threads.Value.Threads, share);
    }

    /// <summary>Metrics evaluated on validation rows; the first decides about early stopping, and falls.</summary>
    internal ImmutableArray<string> Metrics { get; }

    /// <summary>Bins rows; their memory is not needed afterwards.</summary>
    /// <param name="chunks">The rows.</param>
    /// <param name="reference">The training rows, for validation rows that share their bins.</param>
    internal LightGbmDataset Bin(IReadOnlyList<MatrixChunk> chunks, LightGbmDataset? reference = null)
    {
        using var log = LightGbmLog.Route(_log);
        var dataset = LightGbmDataset.Create(chunks, _features.Length, _parameters, reference);
        try
        {
            if (reference is null)
            {
                dataset.SetFeatureNames(Names(_features));
            }

            return dataset;
        }
        catch
        {
            dataset.Dispose();
            throw;
        }
    }

    /// <summary>Draws validation rows out of the training rows; both share the bins.</summary>
    internal (LightGbmDataset Train, LightGbmDataset Validation) Draw(LightGbmDataset all, double share)
    {
        var random = new Random(_options.Seed);
        var train = new List<int>(all.Rows);
        var held = new List<int>((int)(all.Rows * share) + 16);
        for (var i = 0; i < all.Rows; i++)
        {
            (random.NextDouble() < share ? held : train).Add(i);
        }

        if (train.Count == 0 || held.Count == 0)
        {
            throw new GristmillException(ErrorCodes.BadValue,
                $"{all.Rows} rows are too few to draw {share.ToString(CultureInfo.InvariantCulture)} of them for validation.",
                "Give more rows, or another validationFraction.");
        }

        var first = all.Subset(CollectionsMarshal.AsSpan(train), _parameters);
        try
        {
            return (first, all.Subset(CollectionsMarshal.AsSpan(held), _parameters));
        }
        catch
        {
            first.Dispose();
            throw;
        }
    }

    /// <summary>Trains, and writes the model's text.</summary>
    /// <param name="train">Training rows.</param>
    /// <param name="validation">Validation rows, or null.</param>
    /// <param name="path">Where to write.</param>
    /// <param name="report">Called after each iteration with its number and the validation metrics.</param>
    /// <param name="cancellationToken">Looked at before each iteration.</param>
    internal LightGbmFit Train(
        LightGbmDataset train, LightGbmDataset? validation, string path, Action<int, double[]>? report,
        CancellationToken cancellationToken)
    {
        using var log = LightGbmLog.Route(_log);
        using var booster = LightGbmBooster.Create(train, _parameters);
        if (validation is not null)
        {
            booster.AddValidation(validation);
        }

        var values = new double[validation is null ? 0 : Metrics.Length];
        var best = new double[values.Length];
        int bestIteration = 0, grown = 0;
        while (grown < _options.Iterations)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (booster.Update())
            {
                // No split helps any more; LightGBM takes such an iteration back.
                break;
            }

            grown++;
            if (validation is not null)
            {
                booster.Evaluate(values);
                if (bestIteration == 0 || values[0] < best[0])
                {
                    bestIteration = grown;
                    values.CopyTo(best, 0);
                }
            }

            report?.Invoke(grown, values);
            if (validation is not null && grown - bestIteration >= _options.EarlyStopping)
            {
                break;
            }
        }

        var kept = _options.EarlyStopping is null || bestIteration == 0 ? grown : bestIteration;
        booster.Save(path, kept == 0 ? -1 : kept);
        return new LightGbmFit(kept, grown, kept == bestIteration ? [.. best] : [.. values], [.. booster.Gains()]);
    }

    /// <summary>Ends the hold on the thread count; datasets made here are to be disposed before.</summary>
    public void Dispose()
    {
        _threads?.Dispose();
        _threads = null;
    }

    private static string Compose(
        LightGbmOptions o, ModelTask task, int classes, ImmutableArray<EncodedFeature> features, int threads, double share)
    {
        var text = new StringBuilder();
        void Add(string key, object value) => text.Append(CultureInfo.InvariantCulture, $"{key}={value} ");
        switch (task)
        {
            case ModelTask.Binary:
                Add("objective", "binary");
                Add("metric", "binary_logloss,auc");
                break;
            case ModelTask.Multiclass:
                Add("objective", "multiclass");
                Add("num_class", classes);
                Add("metric", "multi_logloss,multi_error");
                break;
            default:
                Add("objective", "regression");
                Add("metric", "rmse,l1");
                break;
        }

        Add("num_leaves", o.Leaves);
        Add("learning_rate", o.LearningRate);
        // LightGBM counts rows of the matrix, whatever their weights. Without scaling all three, trees on merged flights lost .002 of AUC.
        int Rows(int ofTable) => (int)Math.Ceiling(ofTable * share);
        Add("min_data_in_leaf", Rows(o.MinDataInLeaf));
        Add("min_data_per_group", Rows(MinDataPerGroup));
        Add("cat_smooth", Rows(CategorySmoothing));
        Add("feature_fraction", o.FeatureFraction);
        Add("bagging_fraction", o.BaggingFraction);
        Add("bagging_freq", o.BaggingFraction < 1 ? 1 : 0);
        Add("lambda_l1", o.LambdaL1);
        Add("lambda_l2", o.LambdaL2);
        Add("max_bin", o.MaxBin);
        Add("seed", o.Seed);
        // Without a forced layout LightGBM times both and takes the faster: slower to start, and not the same every time.
        Add("deterministic", "true");
        Add("force_row_wise", "true");
        Add("num_threads", threads);
        Add("verbosity", 0);
        var categorical = Enumerable.Range(0, features.Length).Where(i => features[i].Categories > 0).ToList();
        if (categorical.Count > 0)
        {
            Add("categorical_feature", string.Join(',', categorical));
        }

        return text.ToString();
    }

    /// <summary>LightGBM refuses JSON's special characters, white space ends a name in its text, and names must differ.</summary>
    private static List<string> Names(ImmutableArray<EncodedFeature> features)
    {
        var names = new List<string>(features.Length);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < features.Length; i++)
        {
            var name = new StringBuilder();
            foreach (var c in features[i].Name)
            {
                name.Append(char.IsLetterOrDigit(c) || c is '_' or '.' or '=' or '-' ? c : '_');
            }

            while (!seen.Add(name.ToString()))
            {
                name.Append(CultureInfo.InvariantCulture, $"_{i}");
            }

            names.Add(name.ToString());
        }

        return names;
    }
}

/// <summary>What training gave.</summary>
/// <param name="Iterations">Iterations in the model.</param>
/// <param name="Grown">Iterations grown.</param>
/// <param name="Validation">Validation metrics of the model, in the trainer's order; empty without validation rows.</param>
/// <param name="Gains">Total gain by feature.</param>
internal sealed record LightGbmFit(int Iterations, int Grown, ImmutableArray<double> Validation, ImmutableArray<double> Gains);
