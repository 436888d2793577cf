namespace Gristmill.Data;

/// <summary>
/// How images are decoded: each to a row of one size, in the column "pixels", a list of height × width × channels uint8 whose field has these lengths as "shape"; it
/// takes the place of "bytes".
/// </summary>
/// <remarks>
/// They are resized without regard to their sides' ratio, bilinearly; those that are larger by half or more are halved before (mipmaps), as often as it takes. JPEGs are decoded at
/// the smallest of 1/8 to 8/8 of their size that is no smaller than what is asked for. Transparency and colour profiles are passed over, as is the orientation that a camera notes.
/// </remarks>
public sealed record ImageReadOptions
{
    internal const int LargestSide = 4096;

    /// <summary>Pixels of a row of the result, 1 to 4,096.</summary>
    public required int Width { get; init; }

    /// <summary>Rows of pixels of the result, 1 to 4,096.</summary>
    public required int Height { get; init; }

    /// <summary>3: red, green and blue. 1: grey, as 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).</summary>
    /// <value>3.</value>
    public int Channels { get; init; } = 3;

    internal int Bytes => Width * Height * Channels;

    internal void Check()
    {
        if (Width is < 1 or > LargestSide || Height is < 1 or > LargestSide || Channels is not (1 or 3))
        {
            throw new GristmillException(ErrorCodes.Invalid, FormattableString.Invariant($"Images cannot be decoded to {Width} × {Height} pixels of {Channels} channels."),
                FormattableString.Invariant($"Set Width and Height to 1 to {LargestSide}, and Channels to 1 or 3."));
        }
    }
}
