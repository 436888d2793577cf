namespace Gristmill.Engines;

public sealed partial class FeatureEncoder
{
    private readonly bool[] _keyed;
}
