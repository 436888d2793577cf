namespace Gristmill;

/// <summary>A picture that can be written to a file: what <see cref="Track.Figure(string, IFigure)"/> takes. Gristmill.Plots has ready-made ones.</summary>
public interface IFigure
{
    /// <summary>The format's file extension without the dot: "svg" or "png".</summary>
    string Extension { get; }

    /// <summary>Writes the file.</summary>
    void Write(Stream destination);
}
