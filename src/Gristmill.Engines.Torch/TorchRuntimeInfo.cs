namespace Gristmill.Engines.Torch;

/// <summary>What <see cref="TorchRuntime.EnsureLoaded"/> loaded.</summary>
/// <param name="LibTorchVersion">Version of libtorch, such as "2.10.0".</param>
/// <param name="BridgePath">TorchSharp's native library as loaded.</param>
/// <param name="Adapted">Whether that is a copy adapted to an older libstdc++.</param>
/// <param name="MklHint">Whether MKL was told to use its AVX2 code on this AMD processor.</param>
/// <param name="KeepsHeap">Whether malloc was told to keep the memory of one training step for the next.</param>
public sealed record TorchRuntimeInfo(string LibTorchVersion, string BridgePath, bool Adapted, bool MklHint, bool KeepsHeap);
