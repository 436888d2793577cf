using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>A LightGBM Dataset: binned features, label and metadata.</summary>
internal sealed class LightGbmDatasetHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LightGbmNative.LGBM_DatasetFree(handle) == 0;
}

/// <summary>A LightGBM Booster: the trees.</summary>
internal sealed class LightGbmBoosterHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LightGbmNative.LGBM_BoosterFree(handle) == 0;
}

/// <summary>
/// Prepared parameters and buffers for predicting one row. It points into its booster, so it keeps the booster alive.
/// </summary>
internal sealed class LightGbmFastConfigHandle() : SafeHandle(0, ownsHandle: true)
{
    private LightGbmBoosterHandle? _booster;

    public override bool IsInvalid => handle == 0;

    internal nint Pointer => handle;

    internal void Hold(LightGbmBoosterHandle booster)
    {
        var added = false;
        booster.DangerousAddRef(ref added);
        _booster = booster;
    }

    protected override bool ReleaseHandle()
    {
        var done = LightGbmNative.LGBM_FastConfigFree(handle) == 0;
        _booster?.DangerousRelease();
        return done;
    }
}
