namespace Gristmill.Engines.MLNet;

/// <summary>Trees in training, or loaded from their text.</summary>
internal sealed unsafe class LightGbmBooster : IDisposable
{
    private readonly LightGbmBoosterHandle _handle;

    private LightGbmBooster(LightGbmBoosterHandle handle) => _handle = handle;

    internal int Width
    {
        get
        {
            LightGbmNative.Check(LightGbmNative.LGBM_BoosterGetNumFeature(_handle, out var count), ErrorCodes.ModelFormat, "reading the model");
            return count;
        }
    }

    /// <summary>Numbers per prediction: 1, or the number of classes.</summary>
    internal int Outputs
    {
        get
        {
            LightGbmNative.Check(LightGbmNative.LGBM_BoosterGetNumClasses(_handle, out var count), ErrorCodes.ModelFormat, "reading the model");
            return count;
        }
    }

    internal static LightGbmBooster Create(LightGbmDataset train, string parameters)
    {
        LightGbmNative.Check(LightGbmNative.LGBM_BoosterCreate(train.Handle, parameters, out var handle),
            ErrorCodes.Invalid, "starting to train");
        return new LightGbmBooster(handle);
    }

    internal static LightGbmBooster Load(string path)
    {
        LightGbmNative.EnsureLoaded();
        LightGbmNative.Check(LightGbmNative.LGBM_BoosterCreateFromModelfile(path, out _, out var handle),
            ErrorCodes.ModelFormat, $"reading {Path.GetFileName(path)}");
        return new LightGbmBooster(handle);
    }

    /// <summary>Adds rows to evaluate after each iteration. The dataset must outlive the booster.</summary>
    internal void AddValidation(LightGbmDataset validation) =>
        LightGbmNative.Check(LightGbmNative.LGBM_BoosterAddValidData(_handle, validation.Handle), ErrorCodes.Invalid, "adding the validation rows");

    /// <summary>Grows one tree (one a class); true when no split helps any more.</summary>
    internal bool Update()
    {
        LightGbmNative.Check(LightGbmNative.LGBM_BoosterUpdateOneIter(_handle, out var finished), ErrorCodes.Invalid, "growing a tree");
        return finished != 0;
    }

    /// <summary>The metrics, in the order of the parameter "metric", on the validation rows.</summary>
    internal void Evaluate(Span<double> results)
    {
        fixed (double* p = results)
        {
            LightGbmNative.Check(LightGbmNative.LGBM_BoosterGetEvalCounts(_handle, out var count), ErrorCodes.Internal, "evaluating");
            if (count != results.Length)
            {
                throw new InvalidOperationException($"LightGBM evaluates {count} metrics, expected {results.Length}.");
            }

            LightGbmNative.Check(LightGbmNative.LGBM_BoosterGetEval(_handle, 1, out _, p), ErrorCodes.Internal, "evaluating");
        }
    }

    /// <summary>Total gain of each feature's splits.</summary>
    internal double[] Gains()
    {
        var gains = new double[Width];
        fixed (double* p = gains)
        {
            LightGbmNative.Check(LightGbmNative.LGBM_BoosterFeatureImportance(_handle, 0, 1, p), ErrorCodes.Internal, "reading the gains");
        }

        return gains;
    }

    /// <summary>Writes the first iterations as LightGBM's text.</summary>
    internal void Save(string path, int iterations) =>
        LightGbmNative.Check(LightGbmNative.LGBM_BoosterSaveModel(_handle, 0, iterations, 1, path), ErrorCodes.StoreFull, "writing the model");

    internal LightGbmFastConfigHandle FastConfig(int width, string parameters)
    {
        LightGbmNative.Check(
            LightGbmNative.LGBM_BoosterPredictForMatSingleRowFastInit(
                _handle, LightGbmNative.PredictNormal, 0, -1, LightGbmNative.Float32, width, parameters, out var config),
            ErrorCodes.ModelFormat, "preparing to predict");
        config.Hold(_handle);
        return config;
    }

    /// <summary>Predicts one row with prepared buffers; one thread at a time per config.</summary>
    internal static void PredictRow(LightGbmFastConfigHandle config, ReadOnlySpan<float> row, Span<double> results)
    {
        fixed (float* features = row)
        fixed (double* output = results)
        {
            LightGbmNative.Check(LightGbmNative.LGBM_BoosterPredictForMatSingleRowFast(config.Pointer, features, out _, output),
                ErrorCodes.Internal, "predicting");
        }
    }

    internal void Predict(ReadOnlySpan<float> features, int rows, int width, string parameters, Span<double> results)
    {
        fixed (float* f = features)
        fixed (double* output = results)
        {
            LightGbmNative.Check(
                LightGbmNative.LGBM_BoosterPredictForMat(
                    _handle, f, LightGbmNative.Float32, rows, width, 1, LightGbmNative.PredictNormal, 0, -1, parameters, out _, output),
                ErrorCodes.Internal, "predicting");
        }
    }

    public void Dispose() => _handle.Dispose();
}
