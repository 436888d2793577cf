using System.Text;

namespace Gristmill.Worker;

/// <summary>Reports every option out of range at once.</summary>
internal static class WorkerPoolOptionsValidator
{
    /// <summary>Longest folder below which a socket's path stays under the 108 bytes of sockaddr_un (unix(7)).</summary>
    public const int MaxRuntimeDirectoryBytes = 60;

    /// <summary>Throws if an option is out of range.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, naming every option that is wrong and its range.</exception>
    public static void Validate(WorkerPoolOptions options)
    {
        var wrong = new List<string>();
        Require(options.Slots is >= 1 and <= 1024, $"{nameof(options.Slots)} = {options.Slots} (1 to 1024)");
        Require(options.ThreadsPerSlot is >= 0 and <= 1024, $"{nameof(options.ThreadsPerSlot)} = {options.ThreadsPerSlot} (0 to 1024)");
        Require(options.MemoryMiB is 0 or >= 64, $"{nameof(options.MemoryMiB)} = {options.MemoryMiB} (0, or 64 and more)");
        Require(options.KeepWarm >= 0, $"{nameof(options.KeepWarm)} = {options.KeepWarm} (0 and more)");
        Require(options.Spare >= 0, $"{nameof(options.Spare)} = {options.Spare} (0 and more)");
        Require(options.MaxAttempts >= 1, $"{nameof(options.MaxAttempts)} = {options.MaxAttempts} (1 and more)");
        Require(options.IdleTimeout > TimeSpan.Zero, $"{nameof(options.IdleTimeout)} = {options.IdleTimeout} (above 0)");
        Require(options.StartTimeout > TimeSpan.Zero, $"{nameof(options.StartTimeout)} = {options.StartTimeout} (above 0)");
        Require(options.PingTimeout > TimeSpan.Zero, $"{nameof(options.PingTimeout)} = {options.PingTimeout} (above 0)");
        Require(options.RuntimeDirectory is null || Encoding.UTF8.GetByteCount(options.RuntimeDirectory) <= MaxRuntimeDirectoryBytes,
            $"{nameof(options.RuntimeDirectory)} = {options.RuntimeDirectory} (at most {MaxRuntimeDirectoryBytes} bytes)");
        if (wrong.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"The worker pool's options are out of range: {string.Join("; ", wrong)}.");
        }

        void Require(bool holds, string text)
        {
            if (!holds)
            {
                wrong.Add(text);
            }
        }
    }
}
